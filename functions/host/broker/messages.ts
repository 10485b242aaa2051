import type { DeadLetter, DeadLetterQuery } from '../../dead-letters/dead-letter-admin.ts';
import type { CloudEvent } from '../../lib/cloud-event.ts';
import type { DeliveryPlan } from './delivery-plan.ts';
import type { Envelope, FailedHeader } from './envelope.ts';
import type { CompiledFilter } from './filters.ts';

/** A way out of the queue: the catalogue's trigger, or the way of a schedule's ticks. */
export interface Route {
  readonly name: string;
  readonly function: string;
  /** Absent: only events that are sent to this route by name. */
  readonly filter?: CompiledFilter;
  readonly delivery: DeliveryPlan;
  /** Deliveries at the same time. */
  readonly concurrency: number;
  /** Whether an event that cannot be delivered is kept as a dead letter. */
  readonly keepsDead: boolean;
}

/** What the queue takes before it refuses. */
export interface QueueLimits {
  /** Rows: one per event and trigger. */
  readonly deliveries: number;
  /** Bytes of the stored events, attributes and data. */
  readonly bytes: number;
  /** Dead letters; the oldest make room for new ones. */
  readonly deadLetters: number;
  /** Bytes of the dead letters, attributes and data; the oldest make room. */
  readonly deadLetterBytes: number;
  /** Bytes of the database file; when it is full the broker does what it does when the disk is. */
  readonly fileBytes: number;
}

/** A named value that is stored in the same transaction as the event. */
export interface Mark {
  readonly key: string;
  /** undefined takes the mark away. */
  readonly value: string | undefined;
}

/** A dead letter as it is stored and crosses threads. */
export interface StoredDeadLetter extends Omit<DeadLetter, 'event'>, Envelope, FailedHeader {
  readonly attempts: number;
}

/**
 * Why an event was given up without being kept: no hops left, a dead letter that made room for a newer one, a tick
 * that failed for good, a tick of a schedule that the catalogue lost.
 */
export type DropCause = 'ttl' | 'evicted' | 'tick' | 'gone';

/** Why an event found no room: the queue is full, the share of one of its triggers is, or the disk is or fails. */
export type RefusalCause = 'full' | 'share' | 'disk';

/** Rows of one route since the process started: what came, and what left, whatever its outcome. */
export interface Flow {
  readonly enqueued: number;
  readonly settled: number;
}

/** Counts of the broker; all but `depth`, `depths`, `oldestMs` and `dead` start at 0 with the process. */
export interface BrokerCounters {
  /** Rows that wait or are in flight. */
  readonly depth: number;
  /** The same by trigger, or `schedule/<name>`; those without rows are absent. */
  readonly depths: Readonly<Record<string, number>>;
  /** Of every route of the catalogue. */
  readonly flows: Readonly<Record<string, Flow>>;
  /** Events, replies and replayed dead letters that were not taken. */
  readonly refusals: Readonly<Record<RefusalCause, number>>;
  /** Age of the row that was taken first, tried or not; 0 without rows. */
  readonly oldestMs: number;
  readonly delivered: number;
  readonly retried: number;
  /** Replies that were taken as events. */
  readonly replied: number;
  /** Dead letters that are stored. */
  readonly dead: number;
  /** Sum of `drops`. */
  readonly dropped: number;
  readonly drops: Readonly<Record<DropCause, number>>;
}

/** How a delivery ended, as an HTTP status. */
export interface Outcome {
  readonly status: number;
  readonly message: string;
  /** Least wait before the next attempt that the function asked for. */
  readonly retryAfterMs?: number;
  /** The function's answer to an event, with a 2xx: it is taken as an event in the commit that settles the delivery. */
  readonly reply?: CloudEvent;
}

/** What the worker is opened with. */
export interface WorkerInput {
  readonly path: string;
  readonly routes: readonly Route[];
  readonly limits: QueueLimits;
}

/** An event and the routes that it matches. */
export interface Posted extends Envelope {
  readonly routes: readonly string[];
}

/** How a delivery ended, for the worker. */
export interface Settlement {
  readonly delivery: number;
  readonly outcome: Omit<Outcome, 'reply'>;
  readonly reply?: Posted;
}

/** What one call to the worker says; `close` ends the thread after its reply. */
export type Call =
  | { readonly op: 'open'; readonly input: WorkerInput }
  | { readonly op: 'publish'; readonly posted: Posted; readonly marks: readonly Mark[] }
  /** Refused while the route has a row, and when the mark has this value. */
  | { readonly op: 'tick'; readonly posted: Posted; readonly mark: Mark }
  | ({ readonly op: 'settle' } & Settlement)
  | { readonly op: 'mark'; readonly key: string }
  | { readonly op: 'marks'; readonly prefix: string }
  | { readonly op: 'setMark'; readonly mark: Mark }
  | { readonly op: 'deadLetters'; readonly query: DeadLetterQuery }
  | { readonly op: 'deadLetter'; readonly id: number }
  | { readonly op: 'replayDeadLetter'; readonly id: number }
  | { readonly op: 'dropDeadLetter'; readonly id: number }
  | { readonly op: 'counters' }
  /** Deliveries may begin. */
  | { readonly op: 'start' }
  /** No new deliveries; answered when none is in flight. */
  | { readonly op: 'drain' }
  | { readonly op: 'close' };

/** Main thread → worker, in lists: what one turn of the loop has to say. */
export interface ToWorker {
  readonly call: number;
  readonly request: Call;
}

/** What became of a dead letter that was to go out again. */
export type Replayed = 'replayed' | 'missing' | 'full' | 'gone';

/** An answer to a request; the fields depend on its `op`. */
export interface Reply {
  readonly op: 'reply';
  readonly call: number;
  /** Why it failed. */
  readonly error?: string;
  /** Of `open`: why the file cannot be read or written. */
  readonly unopened?: string;
  /** With an error: the disk is full or fails, and may do better later. */
  readonly isPassing?: boolean;
  /** Of `publish`, `tick` and `settle`: whether the event was stored. Of `dropDeadLetter`: whether it was there. */
  readonly accepted?: boolean;
  readonly mark?: string;
  readonly marks?: readonly Mark[];
  readonly deadLetters?: readonly StoredDeadLetter[];
  readonly replayed?: Replayed;
  readonly counters?: BrokerCounters;
}

/** A delivery to make now. */
export interface DeliverMessage extends Envelope {
  readonly op: 'deliver';
  readonly delivery: number;
  readonly route: string;
  /** From 1. */
  readonly attempt: number;
}

/** What an operator has to know. */
export interface WarnMessage {
  readonly op: 'warn';
  readonly message: string;
}

/** Worker → main thread, in lists: what one commit led to. */
export type FromWorker = Reply | DeliverMessage | WarnMessage;
