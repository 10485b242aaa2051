import type { CliEnv } from '../env.ts';
import type { ClickHouseAnswer } from './clickhouse-answer.ts';

const pollMs = 3_000;

/**
 * Asks while something is waited for, and once more when that is over. On Knative the pod that knows may have gone by then; in an
 * upgrade one of before may answer first.
 * @returns the last that a function said, else why none said anything.
 */
export async function watchClickHouse(
  ask: () => Promise<ClickHouseAnswer>,
  work: Promise<void>,
  { clock, signal }: Pick<CliEnv, 'clock' | 'signal'>,
): Promise<ClickHouseAnswer> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  const over = work.then(end, end);
  let said: ClickHouseAnswer | undefined;
  for (;;) {
    const isLast = isOver;
    const answer = await ask();
    if (answer.state === 'answers' || answer.state === 'silent') said = answer;
    if (isLast) return said ?? answer;
    await Promise.race([over, clock.sleep(pollMs, signal)]);
  }
}
