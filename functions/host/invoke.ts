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
  /** Called when the handler wants to log: most never do. */
  readonly log: () => Logger;
  readonly emit: EmitEvent;
  /** Called when the handler has really ended, which may be after the deadline. */
  readonly onEnd: () => void;
}

/** An invocation under way. */
export interface Running {
  /**
   * The handler's reply.
   * @throws CloverError CLV_DEADLINE_EXCEEDED; the reason of `abort`; what the handler throws.
   */
  readonly reply: Promise<CloudEvent | undefined>;
  /** Aborts the handler's signal and gives its caller the reason. */
  abort(reason: CloverError): void;
}

/** Runs a handler against its deadline. */
export function invoke(
  handler: EventHandler,
  event: CloudEvent,
  { name, deadlineMs, log, emit, onEnd }: InvokeOptions,
): Running {
  // Made when the handler looks at its signal, and not by AbortSignal.any from one of the host: for small handlers either
  // costs more than all the rest.
  let controller: AbortController | undefined;
  let aborted: CloverError | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<CloudEvent | undefined>();
  const abort = (reason: CloverError): void => {
    aborted ??= reason;
    controller?.abort(reason);
    reject(reason);
  };
  const timer = setTimeout(() => {
    const message = `${name} did not end within ${deadlineMs} ms`;
    abort(new CloverError('CLV_DEADLINE_EXCEEDED', message));
  }, deadlineMs);
  let bound: Logger | undefined;
  const invocation: Invocation = {
    emit,
    get signal() {
      controller ??= new AbortController();
      if (aborted !== undefined) controller.abort(aborted);
      return controller.signal;
    },
    get log() {
      return (bound ??= log());
    },
  };
  const settled = run(handler, event, invocation).finally(() => {
    clearTimeout(timer);
    onEnd();
  });
  settled.then(resolve, reject);
  return { reply: promise, abort };
}

/** A handler that throws before its first await is a rejection as well. */
async function run(
  handler: EventHandler,
  event: CloudEvent,
  invocation: Invocation,
): Promise<CloudEvent | undefined> {
  return handler.handle(event, invocation);
}
