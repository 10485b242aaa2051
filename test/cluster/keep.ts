import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { sweep } from '../../cloverctl/supervisor/sweep.ts';
import { forgetRunning, readRunning, type Running } from './running.ts';
import type { TierName } from './tiers.ts';

const keeperProgram = fileURLToPath(new URL('keeper.ts', import.meta.url));
const stopWithinMs = 60_000;

/**
 * Starts a process that keeps a tier, whose programs are built; resolves when it can be used.
 * @param file where the keeper says that it runs; its log lies beside it.
 * @param signal ends a start that is under way, and all that it has made.
 * @throws Error with that log when it does not start, or where another tier runs; the reason of the signal.
 */
export async function up(tier: TierName, file: string, signal?: AbortSignal): Promise<Running> {
  const found = readRunning(file);
  if (found !== undefined) {
    if (found.tier === tier) return found;
    throw new Error(`a cluster of the tier ${found.tier} runs: take it down first`);
  }
  await sweep();
  forgetRunning(file);
  mkdirSync(dirname(file), { recursive: true });
  const logFile = `${file}.log`;
  const sink = openSync(logFile, 'w', 0o600);
  const keeper = spawn(process.execPath, [keeperProgram, tier, file], {
    detached: true,
    stdio: ['ignore', sink, sink],
  });
  closeSync(sink);
  keeper.unref();
  for (;;) {
    if (signal?.aborted === true) {
      keeper.ref();
      const ended: Promise<unknown[]> = once(keeper, 'exit');
      // At a SIGTERM it would first start all of it.
      if (keeper.kill('SIGKILL')) await ended;
      await sweep();
      signal.throwIfAborted();
    }
    const running = readRunning(file);
    if (running !== undefined) return running;
    if (keeper.exitCode !== null || keeper.signalCode !== null) {
      throw new Error(`the cluster did not start:\n${readFileSync(logFile, 'utf8').trimEnd()}`);
    }
    await sleep(50);
  }
}

/**
 * Ends the keeper that a file tells of, and what keepers that were killed have left.
 * @returns whether there was anything.
 */
export async function down(file: string): Promise<boolean> {
  const running = readRunning(file);
  if (running !== undefined) {
    process.kill(running.keeper.pid, 'SIGTERM');
    const until = Date.now() + stopWithinMs;
    while (isAlive(running.keeper) && Date.now() < until) await sleep(50);
    if (isAlive(running.keeper)) process.kill(running.keeper.pid, 'SIGKILL');
  }
  const swept = await sweep();
  forgetRunning(file);
  return running !== undefined || swept.length > 0;
}
