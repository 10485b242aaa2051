import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { tierNames } from './tiers.ts';

const running = z.strictObject({
  tier: z.enum(tierNames),
  /** The process that keeps it, and takes it down on SIGTERM. */
  keeper: z.strictObject({ pid: z.int().min(1), startTime: z.string() }),
  kubeconfig: z.string(),
  server: z.string(),
  /** Path of the kubectl that fits it. */
  kubectl: z.string(),
  /** Where its parts answer, by their names; those that say it. */
  urls: z.record(z.string(), z.string()),
  /** The run's folder: logs, and the record of what it has made. */
  run: z.string(),
});

/** A cluster that a keeper keeps. */
export type Running = z.output<typeof running>;

/** The cluster that a file tells of; undefined when there is none, or its keeper was killed. */
export function readRunning(file: string): Running | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  // One of another version of this program has no keeper that this one knows.
  const found = running.safeParse(JSON.parse(text));
  return found.success && isAlive(found.data.keeper) ? found.data : undefined;
}

/** Says that it runs. */
export function writeRunning(value: Running, file: string): void {
  writeFileSync(`${file}.part`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

/** Says that nothing runs. */
export function forgetRunning(file: string): void {
  rmSync(file, { force: true });
}
