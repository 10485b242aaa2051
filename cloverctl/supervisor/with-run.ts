import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createSupervisor, type Supervisor } from './processes.ts';
import { createRunFolder, type RunFolder } from './run-record.ts';
import { takeDown } from './sweep.ts';

/** A run, and the supervisor of its processes. */
export interface RunSite {
  readonly run: RunFolder;
  readonly supervisor: Supervisor;
}

/** What {@link withRun} works with. */
export interface WithRunOptions {
  /** Lower-case letters: `demo`, `up`, …. */
  readonly kind: string;
  readonly log: Logger;
  /** Parent of the run's folder. Default: the folder for temporary files. */
  readonly parent?: string;
}

const sweeper = fileURLToPath(new URL('sweep-main.ts', import.meta.url));

/**
 * Does work that starts processes and makes networks, and takes all of it down, however the work
 * ends. Where even this process ends in the middle (a crash, `process.exit`), another one does it.
 */
export async function withRun<T>(
  { kind, log, parent }: WithRunOptions,
  work: (site: RunSite) => Promise<T>,
): Promise<T> {
  const run = createRunFolder(kind, parent);
  const leave = (): void => {
    spawn(process.execPath, [sweeper, run.path], { detached: true, stdio: 'ignore' }).unref();
  };
  process.once('exit', leave);
  const supervisor = createSupervisor({ run, log });
  try {
    return await work({ run, supervisor });
  } finally {
    await tidy({ run, supervisor }, log);
    process.off('exit', leave);
  }
}

async function tidy({ run, supervisor }: RunSite, log: Logger): Promise<void> {
  try {
    await supervisor.stopAll();
    await takeDown(run);
  } catch (error) {
    log.error({ err: error, run: run.path }, 'not all was taken down: a sweeper goes on with it');
    throw error;
  }
}
