import process from 'node:process';
import { systemClock, type Clock } from '../../functions/lib/clock.ts';
import { isAlive, processesOfGroup, type ProcessIdentity } from './process-table.ts';

/**
 * Ends processes: SIGTERM, then SIGKILL for those that are left after `graceMs`.
 * Each is signalled only while pid and start time match. Resolves when none is alive, or after 5 s more.
 */
export async function terminate(
  targets: readonly ProcessIdentity[],
  graceMs: number,
  clock: Clock = systemClock,
): Promise<void> {
  signal(targets, 'SIGTERM');
  const deadline = clock.now() + graceMs;
  while (targets.some(isAlive) && clock.now() < deadline) await clock.sleep(20);
  // A process in an uninterruptible wait keeps SIGKILL waiting; it dies when the kernel lets it.
  for (let tries = 0; tries < 250 && targets.some(isAlive); tries++) {
    signal(targets, 'SIGKILL');
    await clock.sleep(20);
  }
}

/** SIGKILL to a whole group, if its leader is still that process or members have outlived it. */
export function killGroup(leader: ProcessIdentity): void {
  signal(processesOfGroup(leader.pid), 'SIGKILL');
}

function signal(targets: readonly ProcessIdentity[], name: NodeJS.Signals): void {
  for (const target of targets.filter(isAlive)) {
    try {
      process.kill(target.pid, name);
    } catch {
      // It ended between the look and the signal.
    }
  }
}
