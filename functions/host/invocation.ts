import type { CloudEvent } from '../lib/cloud-event.ts';
import type { Log } from '../lib/log.ts';

/** What a handler knows of the invocation that it serves. */
export interface Invocation {
  /** Aborted at the delivery's deadline and when the host stops. */
  readonly signal: AbortSignal;
  /** Bound to the function, the event and its trace. */
  readonly log: Log;
  /**
   * Sends an event to the broker. It carries the trace of this invocation on, unless it has one of its own.
   * @throws CloverError CLV_HANDLER_EVENT_INVALID for what is no event, CLV_EMIT_REFUSED for what is not taken, CLV_OVERLOADED.
   */
  readonly emit: EmitEvent;
}

/** Accepts an event for at-least-once delivery; resolves after the durable commit. */
export type EmitEvent = (event: CloudEvent) => Promise<void>;
