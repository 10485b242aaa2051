import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { EventHandler } from './event-handler.ts';
import type { EmitEvent, Invocation } from './invocation.ts';

/** Options of one invocation. */
export interface InvokeOptions {
  /** Name of the function, for what is said of it. */
  readonly name: string;
  /** Milliseconds until the signal aborts and the caller is told so. */
  readonly deadlineMs: number;
  /** Called when the handler wants to log: most never do. */
  readonly log: () => Log;
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
  readonly abort: (reason: CloverError) => void;
  /** Aborts the handler's signal; its caller still gets what the handler answers. */
  readonly interrupt: (reason: CloverError) => void;
}

/** Runs a handler against its deadline. */
export function invoke(
  handler: EventHandler,
  event: CloudEvent,
  { name, deadlineMs, log, emit, onEnd }: InvokeOptions,
): Running {
  const invocation = new LazyInvocation(log, emit);
  const { promise, resolve, reject } = Promise.withResolvers<CloudEvent | undefined>();
  const abort = (reason: CloverError): void => {
    invocation.abort(reason);
    reject(reason);
  };
  const timer = setTimeout(() => {
    const message = `${name} did not end within ${deadlineMs} ms`;
    abort(new CloverError('CLV_DEADLINE_EXCEEDED', message));
  }, deadlineMs);
  const settled = run(handler, event, invocation).finally(() => {
    clearTimeout(timer);
    onEnd();
  });
  settled.then(resolve, reject);
  return { reply: promise, abort, interrupt: (reason) => invocation.abort(reason) };
}

/** A handler that throws before its first await is a rejection as well. */
async function run(
  handler: EventHandler,
  event: CloudEvent,
  invocation: Invocation,
): Promise<CloudEvent | undefined> {
  return handler.handle(event, invocation);
}

/**
 * What most handlers never look at is made when they do. A class, because an object literal with getters has a hidden
 * class of its own, which V8 keeps in the old generation and the whole request with it: three times the memory.
 */
class LazyInvocation implements Invocation {
  readonly emit: EmitEvent;
  readonly #makeLog: () => Log;
  #log: Log | undefined;
  // Not by AbortSignal.any from one of the host either: for small handlers it costs more than all the rest.
  #controller: AbortController | undefined;
  #aborted: CloverError | undefined;

  constructor(makeLog: () => Log, emit: EmitEvent) {
    this.#makeLog = makeLog;
    this.emit = emit;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    return this.#controller.signal;
  }

  get log(): Log {
    return (this.#log ??= this.#makeLog());
  }

  abort(reason: CloverError): void {
    this.#aborted ??= reason;
    this.#controller?.abort(this.#aborted);
  }
}
