import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import process from 'node:process';
import { deleteCgroups, processesInCgroups } from './cgroups.ts';
import { deleteLinks, deleteNamespaces, deleteRoutes } from './links.ts';
import { isAlive, processesInNamespace, processesMarked } from './process-table.ts';
import { findRuns, runMark, type RunFolder } from './run-record.ts';
import { terminate } from './terminate.ts';

/** What a sweep ended. */
export interface SweptRun {
  readonly path: string;
  readonly processes: number;
  readonly namespaces: number;
}

/**
 * Takes down what runs have left whose supervisor is gone. Runs with a living one are not touched.
 * @param parent folder of the run folders.
 * @param graceMs milliseconds between SIGTERM and SIGKILL.
 */
export async function sweep(parent: string = tmpdir(), graceMs = 3_000): Promise<SweptRun[]> {
  const swept: SweptRun[] = [];
  for (const run of findRuns(parent)) {
    if (!isAlive(run.owner)) swept.push(await takeDown(run, graceMs));
  }
  return swept;
}

/**
 * Ends the processes of a run (recorded ones by pid and start time, others by the run's mark, its
 * namespaces or its control groups), then its control groups, namespaces, links, routes and folder.
 * Safe to repeat: the folder with the record goes last.
 */
export async function takeDown(
  run: Pick<RunFolder, 'path' | 'record'> & Partial<Pick<RunFolder, 'close'>>,
  graceMs = 3_000,
): Promise<SweptRun> {
  // Of a run of our own, nothing may be made while it is taken down. End its supervisor first.
  await run.close?.();
  const found = [
    ...run.record.processes.filter(isAlive),
    ...processesMarked(runMark, run.path),
    ...run.record.namespaces.flatMap(processesInNamespace),
  ].filter(({ pid }) => pid !== process.pid);
  const unique = [...new Map(found.map((entry) => [entry.pid, entry])).values()];
  await terminate(unique, graceMs);
  // Containers, which those that tended them have left. The first process of one hears no SIGTERM that it does not ask for.
  const contained = processesInCgroups(run.record.cgroups);
  await terminate(contained, 0);
  await deleteCgroups(run.record.cgroups);
  await deleteNamespaces(run.record.namespaces);
  await deleteLinks(run.record.links);
  await deleteRoutes(run.record.routes);
  // Not rmSync: it takes a file that goes by itself meanwhile for the end of its work.
  await rm(run.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  return {
    path: run.path,
    processes: unique.length + contained.length,
    namespaces: run.record.namespaces.length,
  };
}
