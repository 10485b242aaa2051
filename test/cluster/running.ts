import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { cacheFolder } from './build.ts';

const identity = z.strictObject({ pid: z.int().min(1), startTime: z.string() });

const running = z.strictObject({
  /** The process that keeps it, and takes it down on SIGTERM. */
  keeper: identity,
  kubeconfig: z.string(),
  server: z.string(),
  /** Folder with a log a process. */
  logs: z.string(),
  processes: z.array(identity.extend({ name: z.string() })),
});

/** A cluster that `npm run cluster -- up` has started. */
export type Running = z.output<typeof running>;

const file = join(cacheFolder, 'running.json');

/** The cluster that runs; undefined when there is none, or its keeper was killed. */
export function readRunning(): Running | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const found = running.parse(JSON.parse(text));
  return isAlive(found.keeper) ? found : undefined;
}

/** Says that it runs. */
export function writeRunning(value: Running): void {
  writeFileSync(`${file}.part`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

/** Says that nothing runs. */
export function forgetRunning(): void {
  rmSync(file, { force: true });
}
