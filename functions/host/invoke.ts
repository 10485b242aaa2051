import type { Logger } from 'pino';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { CloverFunction } from './function.ts';

/** Options of one invocation. */
export interface InvokeOptions {
  /** Milliseconds until the signal aborts and the caller is told so. */
  readonly deadlineMs: number;
  /** The host's own end; aborts the invocation too. */
  readonly stop: AbortSignal;
  readonly log: Logger;
  /** Called when the handler has really ended, which may be after the deadline. */
  readonly onEnd?: () => void;
}

/**
 * Runs a handler against its deadline.
 * @throws CloverError CLV_DEADLINE_EXCEEDED; CLV_OVERLOADED when the host stops; what the handler throws.
 */
export async function invoke(
  fn: CloverFunction,
  event: CloudEvent,
  { deadlineMs, stop, log, onEnd }: InvokeOptions,
): Promise<void> {
  if (fn.onEvent === undefined) {
    onEnd?.();
    throw new CloverError('CLV_EVENT_INVALID', `function ${fn.name} takes no events`);
  }
  const deadline = new AbortController();
  const timer = setTimeout(
    () =>
      deadline.abort(
        new CloverError('CLV_DEADLINE_EXCEEDED', `${fn.name} did not end within ${deadlineMs} ms`),
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
  const running = run(fn, event, signal, log).finally(() => {
    clearTimeout(timer);
    onEnd?.();
  });
  // After a lost race nobody waits for the handler, and its failure is not a crash.
  running.catch(() => undefined);
  try {
    onAbort();
    await Promise.race([running, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A handler that throws before its first await is a rejection as well. */
async function run(
  fn: CloverFunction,
  event: CloudEvent,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  await fn.onEvent?.(event, { signal, log });
}
