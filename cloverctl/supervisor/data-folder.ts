import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { CloverError } from '../../functions/lib/errors.ts';
import { identify, isAlive } from './process-table.ts';

/**
 * Makes a data folder that of this process. Each process has a mark of its own there, so that no mark of a killed one
 * has to be broken; of two that come at once, at most one gets the folder.
 * @returns Gives the folder back. A process that was killed holds it no more, either.
 * @throws CloverError CLV_CONFLICT when another live process has it.
 */
export function claimDataFolder(folder: string): () => void {
  const own = identify(process.pid);
  if (own === undefined) throw new CloverError('CLV_INTERNAL', '/proc is not mounted');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mark = join(folder, `in-use-by-${own.pid}-${own.startTime}`);
  const leave = (): void => rmSync(mark, { force: true });
  writeFileSync(mark, '', { mode: 0o600 });
  for (const name of readdirSync(folder)) {
    const [, pid, startTime] = /^in-use-by-(\d+)-(\d+)$/.exec(name) ?? [];
    if (pid === undefined || startTime === undefined || Number(pid) === own.pid) continue;
    if (!isAlive({ pid: Number(pid), startTime })) {
      rmSync(join(folder, name), { force: true });
      continue;
    }
    leave();
    const message = `${folder} is the data folder of process ${pid}, which still runs: end that one, or take another folder with --data`;
    throw new CloverError('CLV_CONFLICT', message);
  }
  return leave;
}
