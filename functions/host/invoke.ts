import type { Logger } from 'pino';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { EventHandler } from './event-handler.ts';
import type { EmitEvent, Invocation } from './invocation.ts';

/** Options of one invocation. */
export interface InvokeOptions {
  /** Name of the function, for what is said of it. */
  readonly name: string;
  /** Milliseconds until the signal aborts and the caller is told so. */
  readonly deadlineMs: number;
  /** The host's own end; aborts the invocation too. */
  readonly stop: AbortSignal;
  readonly log: Logger;
  readonly emit: EmitEvent;
  /** Called when the handler has really ended, which may be after the deadline. */
  readonly onEnd?: () => void;
}

/**
 * Runs a handler against its deadline; resolves with its reply.
 * @throws CloverError CLV_DEADLINE_EXCEEDED; CLV_OVERLOADED when the host stops; what the handler throws.
 */
export async function invoke(
  handler: EventHandler,
  event: CloudEvent,
  { name, deadlineMs, stop, log, emit, onEnd }: InvokeOptions,
): Promise<CloudEvent | undefined> {
  const deadline = new AbortController();
  const timer = setTimeout(
    () =>
      deadline.abort(
        new CloverError('CLV_DEADLINE_EXCEEDED', `${name} did not end within ${deadlineMs} ms`),
      ),
    deadlineMs,
  );
  const signal = AbortSignal.any([deadline.signal, stop]);
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    try {
      signal.throwIfAborted();
    } catch (reason) {
      aborted.reject(reason);
    }
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const running = run(handler, event, { signal, log, emit }).finally(() => {
    clearTimeout(timer);
    onEnd?.();
  });
  // After a lost race nobody waits for the handler, and its failure is not a crash.
  running.catch(() => undefined);
  try {
    onAbort();
    return await Promise.race([running, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A handler that throws before its first await is a rejection as well. */
async function run(
  handler: EventHandler,
  event: CloudEvent,
  invocation: Invocation,
): Promise<CloudEvent | undefined> {
  return handler.handle(event, invocation);
}
