import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { temporaryFolder } from '../../functions/host/helpers.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../../infra/gke/cluster.sh', import.meta.url));
const double = fileURLToPath(new URL('cloud-double.sh', import.meta.url));

/** What a program that ran left. */
export const outcome = z.object({ code: z.int(), stdout: z.string(), stderr: z.string() });

/** Where gcloud, bq and kubectl are doubles. */
export interface Cloud {
  readonly folder: string;
  /** Runs the script. */
  readonly cluster: (...args: readonly string[]) => Promise<z.output<typeof outcome>>;
  /** Calls since the last time that this was asked. */
  readonly calls: () => Promise<string[]>;
  readonly refuse: (call: string) => Promise<void>;
}

/** A cloud in which nothing is yet. */
export async function cloud(
  t: ExecutionContext,
  settings: Record<string, string> = {},
): Promise<Cloud> {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'state'));
  await mkdir(join(folder, 'bin'));
  for (const name of ['bq', 'gcloud', 'kubectl']) await symlink(double, join(folder, 'bin', name));
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    CLOUD: folder,
    PROJECT: 'my-project',
    ...settings,
  };
  return {
    folder,
    async cluster(...args) {
      try {
        return { code: 0, ...(await run(script, args, { env })) };
      } catch (error) {
        return outcome.parse(error);
      }
    },
    async calls() {
      const text = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
      await rm(join(folder, 'calls'), { force: true });
      return text.split('\n').filter((line) => line !== '');
    },
    refuse: (call) => writeFile(join(folder, 'refuse'), call),
  };
}

/** The commands that a run printed. */
export const said = (stdout: string): string[] =>
  stdout.split('\n').flatMap((line) => (line.startsWith('+ ') ? [line.slice(2)] : []));
