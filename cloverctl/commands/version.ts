import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { writeJson } from '../output/print.ts';

const manifest = z.looseObject({ version: z.string() });

/** `version`: of cloverctl and of the Node that runs it. */
export function registerVersion(program: Command, env: CliEnv): void {
  program
    .command('version')
    .description('show the version of cloverctl and of its Node')
    .action(async (_: unknown, command: Command) => {
      const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
      const { version } = manifest.parse(JSON.parse(text));
      const { json } = command.optsWithGlobals<GlobalOptions>();
      if (json === true) writeJson(env, { cloverctl: version, node: process.versions.node });
      else env.stdout.write(`cloverctl ${version} (node ${process.versions.node})\n`);
    });
}
