import { CloverError } from '../lib/errors.ts';
import type { Exchange } from './exchange.ts';

/** The memory that all bodies in hand may take together. */
export interface BodyBudget {
  /**
   * Takes bytes in the name of an exchange, and gives them back when that has ended.
   * @throws CloverError CLV_OVERLOADED when there is no room.
   */
  lease(exchange: Pick<Exchange, 'onClose'>): (bytes: number) => void;
}

/** Many small compressed bodies may be large ones: each has its limit, this is the limit of the sum. */
export function createBodyBudget(total: number): BodyBudget {
  let used = 0;
  return {
    lease: (exchange) => {
      let taken = 0;
      exchange.onClose(() => {
        used -= taken;
      });
      return (bytes) => {
        if (used + bytes > total) {
          throw new CloverError('CLV_OVERLOADED', 'too many bodies are in hand', { retryAfter: 1 });
        }
        used += bytes;
        taken += bytes;
      };
    },
  };
}
