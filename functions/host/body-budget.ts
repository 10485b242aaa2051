import { CloverError } from '../lib/errors.ts';

/** The part of the budget that one body takes. */
export interface BodyLease {
  /** @throws CloverError CLV_OVERLOADED when there is no room for so many bytes more. */
  take(bytes: number): void;
  /** Somebody else holds the body as well. */
  hold(): void;
  /** One of those who hold the body does no more; the last one gives its bytes back. */
  release(): void;
}

/** The memory that all bodies in hand may take together. */
export interface BodyBudget {
  /** Begins a lease that whoever asks for it holds. */
  lease(): BodyLease;
}

/**
 * Many small compressed bodies may be large ones: each has its limit, this is the limit of the sum. A body counts until its
 * handler has ended: not only until its sender has gone.
 */
export function createBodyBudget(total: number): BodyBudget {
  let used = 0;
  return {
    lease: () => {
      let taken = 0;
      let holders = 1;
      return {
        take: (bytes) => {
          if (used + bytes > total) {
            throw new CloverError('CLV_OVERLOADED', 'too many bodies are in hand', {
              retryAfter: 1,
            });
          }
          used += bytes;
          taken += bytes;
        },
        hold: () => {
          holders += 1;
        },
        release: () => {
          holders -= 1;
          if (holders > 0) return;
          used -= taken;
          taken = 0;
        },
      };
    },
  };
}
