import { CloverError } from '../lib/errors.ts';

/** A bound on what is worked on at the same time. */
export interface InHand {
  /**
   * Asks for room without taking it: what finds none now need not be read.
   * @throws CloverError CLV_OVERLOADED.
   */
  check(): void;
  /**
   * Does the work if there is room for it.
   * @throws CloverError CLV_OVERLOADED when there is none, before the work has begun.
   */
  run(work: () => Promise<void>): Promise<void>;
}

/**
 * @param what for what is said when there are too many: `batches`.
 * @param onRefused told of everything that found no room.
 */
export function createInHand(
  limit: number,
  what: string,
  onRefused: (error: CloverError) => void = () => undefined,
): InHand {
  let count = 0;
  const check = (): void => {
    if (count < limit) return;
    const message = `${limit} ${what} are in hand`;
    const error = new CloverError('CLV_OVERLOADED', message, { retryAfter: 1 });
    onRefused(error);
    throw error;
  };
  return {
    check,
    run: async (work) => {
      check();
      count += 1;
      try {
        await work();
      } finally {
        count -= 1;
      }
    },
  };
}
