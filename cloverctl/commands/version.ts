import type { Command } from 'commander';
import { version } from '../../functions/lib/version.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import {
  formatOf,
  outputOption,
  writeJson,
  writeYaml,
  type OutputOptions,
} from '../output/print.ts';
import { errorDocument, reportError } from '../report-error.ts';

interface VersionOptions extends OutputOptions {
  readonly client?: boolean;
}

/** `version`: of cloverctl, and of the control plane that it speaks to. */
export function registerVersion(program: Command, env: CliEnv): void {
  program
    .command('version')
    .description('show the versions of cloverctl and of the control plane')
    .option('--client', 'of cloverctl alone, without asking a control plane')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (_: unknown, command: Command) => {
      await show(command.optsWithGlobals<VersionOptions>(), env);
    });
}

async function show(options: VersionOptions, env: CliEnv): Promise<void> {
  const format = formatOf(options);
  const structured = format === 'json' || format === 'yaml';
  const client = { version, node: process.versions.node };
  if (!structured) env.stdout.write(`Client Version: ${textOf(client)}\n`);
  let answer: object = {};
  if (options.client !== true) {
    try {
      const server = await (await connect(options, env)).version();
      answer = { serverVersion: server };
      if (!structured) env.stdout.write(`Server Version: ${textOf(server)}\n`);
      const warning = skewWarning(version, server.version);
      if (warning !== undefined) env.stderr.write(`warning: ${warning}\n`);
    } catch (error) {
      if (!structured) throw error;
      // What is known of the client is told all the same, and the output stays one document.
      reportError(error, env, false);
      answer = { error: errorDocument(error) };
    }
  }
  const whole = { clientVersion: client, ...answer };
  if (format === 'json') writeJson(env, whole);
  if (format === 'yaml') await writeYaml(env, whole);
}

const textOf = ({ version: own, node }: { readonly version: string; readonly node: string }) =>
  `${own} (node ${node})`;

/** What is said when the versions are further apart than one minor version, as with kubectl. */
export function skewWarning(client: string, server: string): string | undefined {
  const [ours, theirs] = [numbers(client), numbers(server)];
  if (ours === undefined || theirs === undefined) return undefined;
  if (ours.major === theirs.major && Math.abs(ours.minor - theirs.minor) <= 1) return undefined;
  return `the versions of client (${client}) and server (${server}) differ by more than one minor version`;
}

function numbers(text: string): { readonly major: number; readonly minor: number } | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(text) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
