import type { CloudEvent } from '../../lib/cloud-event.ts';
import type { EmitEvent } from '../invocation.ts';
import type { CompiledFilter } from './filters.ts';
import type { DeadLetter, DeadLetterQuery } from './messages.ts';

/** What an operator sees and does of the broker's events. */
export interface BrokerAdmin {
  /**
   * Takes an event as `POST /broker` does.
   * @throws CloverError CLV_OVERLOADED, CLV_EVENT_INVALID, CLV_BODY_TOO_LARGE.
   */
  readonly publish: EmitEvent;
  /** Newest first. */
  deadLetters(query: DeadLetterQuery): Promise<readonly DeadLetter[]>;
  deadLetter(id: number): Promise<DeadLetter | undefined>;
  /**
   * Takes the letter, as it was before it failed, for its own trigger again, with all attempts; in one commit it
   * stops to be a dead letter. False when there is none of that id.
   * @throws CloverError CLV_OVERLOADED; CLV_CONFLICT when its trigger does not exist any more.
   */
  replayDeadLetter(id: number): Promise<boolean>;
  /** Deletes the letter for good. False when there is none of that id. */
  dropDeadLetter(id: number): Promise<boolean>;
  /**
   * Events as they are taken, from now on, until the signal aborts. Of a reader that is too slow events are
   * skipped; `missed` says how many since the last one. With a filter only those that pass it count.
   */
  tail(
    signal: AbortSignal,
    filter?: CompiledFilter,
  ): AsyncIterable<{ readonly event: CloudEvent; readonly missed: number }>;
}
