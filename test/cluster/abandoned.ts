import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { findRuns } from '../../cloverctl/supervisor/run-record.ts';

/** What was left of a cluster whose keeper, or test, was killed. */
export interface Abandoned {
  /** The run's folder. */
  readonly run: string;
  /** Those that live on without it. */
  readonly processes: readonly {
    readonly name: string;
    readonly pid: number;
    readonly log: string;
  }[];
}

/**
 * Clusters that nobody keeps any more and nobody has taken down.
 * @param parent folder of the run folders.
 */
export function findAbandoned(parent: string = tmpdir()): Abandoned[] {
  return findRuns(parent)
    .filter(({ path, owner }) => basename(path).startsWith('clover-cluster-') && !isAlive(owner))
    .map(({ path: run, record }) => ({
      run,
      processes: record.processes
        .filter(isAlive)
        .map(({ name, pid }) => ({ name, pid, log: join(run, 'logs', `${name}.log`) })),
    }));
}

/** Lines that tell of them, and how they are taken away; none where there are none. */
export function renderAbandoned(abandoned: readonly Abandoned[]): string[] {
  const lines = abandoned.flatMap(({ run, processes }) => [
    `left of a cluster whose keeper was killed: ${run}, ${processes.length} of its processes live`,
    ...processes.map(
      ({ name, pid, log }) => `${name.padEnd(24)} ${`pid ${pid}`.padEnd(12)} ${log}`,
    ),
  ]);
  return lines.length === 0 ? [] : [...lines, 'to take it away: npm run cluster -- down'];
}
