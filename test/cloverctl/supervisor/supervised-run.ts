import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { createSupervisor, type Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import { createRunFolder, type RunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import { takeDown } from '../../../cloverctl/supervisor/sweep.ts';

/** A run of a test's own. */
export interface SupervisedRun {
  readonly run: RunFolder;
  readonly supervisor: Supervisor;
  /** The folder that it is in, and nothing else. */
  readonly parent: string;
}

/** Makes a run, and takes it down with the test. */
export function supervisedRun(t: ExecutionContext): SupervisedRun {
  const parent = mkdtempSync(join(tmpdir(), 'clover-run-'));
  // Processes that are not root's have files below it.
  chmodSync(parent, 0o711);
  const run = createRunFolder('test', parent);
  const supervisor = createSupervisor({ run, log: pino({ level: 'silent' }) });
  t.teardown(async () => {
    await supervisor.stopAll();
    await takeDown(run);
    rmSync(parent, { recursive: true, force: true });
  });
  return { run, supervisor, parent };
}
