import { CloverError } from '../lib/errors.ts';
import type { EmitEvent } from './invocation.ts';
import { asCloverError } from './problem.ts';

/**
 * Emits for a function: what is refused for good is the function's failure, as a bad reply is. Passed on as it is, a 400 or 413
 * would tell whoever sent the event that led to it that this one is bad, and make a dead letter of it.
 */
export function emitAsOwn(emit: EmitEvent): EmitEvent {
  return async (event) => {
    try {
      await emit(event);
    } catch (error) {
      const { status, message, details } = asCloverError(error);
      if (status >= 500 || status === 429) throw error;
      const what = `${event.type} ${event.id} was emitted, and refused: ${message}`;
      throw new CloverError('CLV_EMIT_REFUSED', what, { cause: error, details });
    }
  };
}
