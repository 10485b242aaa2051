import { CloverError } from '../lib/errors.ts';

/** Lost races that one invocation makes good by itself. */
const maxConflicts = 20;

const retried: ReadonlySet<string> = new Set(['CLV_CONFLICT', 'CLV_NOT_FOUND']);

/**
 * Does work again that someone else wrote, or deleted, under the hands of: it reads again.
 * @param what it is about, for the message.
 * @param onConflict called for each lost race.
 * @throws CloverError CLV_OVERLOADED where that happens all the time; what the work throws.
 */
export async function retryConflicts(
  what: string,
  work: () => Promise<void>,
  onConflict: () => void,
): Promise<void> {
  for (let attempt = 0; attempt < maxConflicts; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CloverError) || !retried.has(error.code)) throw error;
      onConflict();
    }
  }
  const message = `${what} is written to by others all the time`;
  throw new CloverError('CLV_OVERLOADED', message, { retryAfter: 1 });
}

/**
 * Runs work of the same key one after the other; a failure does not stop the next. Whoever comes while one waits for its turn shares
 * it: it reads everything when its turn comes.
 */
export function createQueues(): (key: string, work: () => Promise<void>) => Promise<void> {
  const tails = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();
  return async (key, work) => {
    const shared = waiting.get(key);
    if (shared !== undefined) return shared;
    const begin = (): Promise<void> => {
      waiting.delete(key);
      return work();
    };
    const turn = (tails.get(key) ?? Promise.resolve()).then(begin, begin);
    waiting.set(key, turn);
    tails.set(key, turn);
    try {
      await turn;
    } finally {
      if (tails.get(key) === turn) tails.delete(key);
    }
  };
}
