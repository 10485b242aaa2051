import type { Delivery } from '../../../knative/catalogue.ts';
import type { CloudEvent } from '../../lib/cloud-event.ts';
import type { CompiledFilter } from './filters.ts';

/** A trigger as the worker knows it: the catalogue's, or the way of a schedule's ticks. */
export interface Route {
  readonly name: string;
  readonly function: string;
  /** Absent: only events that are sent to this route by name. */
  readonly filter?: CompiledFilter;
  readonly delivery: Delivery;
  /** Deliveries at the same time. */
  readonly concurrency: number;
  /** Whether an event that cannot be delivered is kept as a dead letter. */
  readonly keepsDead: boolean;
}

/** What the queue takes before it refuses. */
export interface QueueLimits {
  /** Rows: one per event and trigger. */
  readonly deliveries: number;
  /** Bytes of data of the stored events. */
  readonly bytes: number;
  /** Dead letters; the oldest make room for new ones. */
  readonly deadLetters: number;
}

/** A named value that is stored in the same transaction as the event. */
export interface Mark {
  readonly key: string;
  readonly value: string;
}

/** An event that could not be delivered. */
export interface DeadLetter {
  readonly id: number;
  readonly trigger: string;
  /** Attempts that were made. */
  readonly attempts: number;
  /** Unix ms. */
  readonly at: number;
  /** The event with Knative's `knativeerrordest`, `knativeerrorcode` and `knativeerrordata`. */
  readonly event: CloudEvent;
}

/** A dead letter between threads. */
export type WireDeadLetter = Omit<DeadLetter, 'event'> & { readonly event: WireEvent };

/** Counts of the broker; all but `depth` and `dead` start at 0 with the process. */
export interface BrokerCounters {
  /** Rows that wait or are in flight. */
  readonly depth: number;
  readonly delivered: number;
  readonly retried: number;
  /** Dead letters that are stored. */
  readonly dead: number;
  /** Ticks given up, and dead letters that made room for newer ones. */
  readonly dropped: number;
}

/** How a delivery ended, as an HTTP status. */
export interface Outcome {
  readonly status: number;
  readonly message: string;
  /** Least wait before the next attempt that the function asked for. */
  readonly retryAfterMs?: number;
}

/** An event between threads: structured clone knows no Buffer. */
export type WireEvent = Omit<CloudEvent, 'data'> & { readonly data: Uint8Array };

/** What the worker is opened with. */
export interface WorkerInput {
  readonly path: string;
  readonly routes: readonly Route[];
  readonly limits: QueueLimits;
}

/** What one call to the worker says; `close` ends the thread after its reply. */
export type Call =
  | { readonly op: 'open'; readonly input: WorkerInput }
  | { readonly op: 'publish'; readonly event: WireEvent; readonly mark?: Mark }
  /** Refused while the route has a row, and unless the mark's number grows. */
  | { readonly op: 'tick'; readonly route: string; readonly event: WireEvent; readonly mark: Mark }
  | { readonly op: 'mark'; readonly key: string }
  | { readonly op: 'setMark'; readonly mark: Mark }
  | { readonly op: 'deadLetters'; readonly limit: number }
  | { readonly op: 'counters' }
  /** Deliveries may begin. */
  | { readonly op: 'start' }
  /** No new deliveries; answered when none is in flight. */
  | { readonly op: 'drain' }
  | { readonly op: 'close' };

/** Main thread → worker. */
export type ToWorker =
  | { readonly op: 'call'; readonly call: number; readonly request: Call }
  | { readonly op: 'settle'; readonly delivery: number; readonly outcome: Outcome };

/** An answer to a request; the fields depend on its `op`. */
export interface Reply {
  readonly op: 'reply';
  readonly call: number;
  /** Why it failed. */
  readonly error?: string;
  /** Of `publish` and `tick`: whether the event was stored. */
  readonly accepted?: boolean;
  readonly mark?: string;
  readonly deadLetters?: readonly WireDeadLetter[];
  readonly counters?: BrokerCounters;
}

/** A delivery to make now. */
export interface DeliverMessage {
  readonly op: 'deliver';
  readonly delivery: number;
  readonly route: string;
  /** From 1. */
  readonly attempt: number;
  readonly event: WireEvent;
}

/** Worker → main thread. */
export type FromWorker = Reply | DeliverMessage;

/** The event in a form that crosses threads without the pool that its buffer may lie in. */
export function toWire(event: CloudEvent): WireEvent {
  return { ...event, data: new Uint8Array(event.data) };
}

/** The event on the other side. */
export function fromWire(event: WireEvent): CloudEvent {
  const { buffer, byteOffset, byteLength } = event.data;
  return { ...event, data: Buffer.from(buffer, byteOffset, byteLength) };
}
