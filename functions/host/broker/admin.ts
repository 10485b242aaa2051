import type { DeadLetterAdmin } from '../../dead-letters/dead-letter-admin.ts';
import type { CloudEvent } from '../../lib/cloud-event.ts';
import type { EmitEvent } from '../invocation.ts';
import type { CompiledFilter } from './filters.ts';

/**
 * What an operator sees and does of the broker's events. A replayed letter waits for its own trigger again, with all attempts; in the
 * same commit it stops to be a dead letter.
 */
export interface BrokerAdmin extends DeadLetterAdmin {
  /**
   * Takes an event as `POST /broker` does.
   * @throws CloverError CLV_OVERLOADED, CLV_EVENT_INVALID, CLV_BODY_TOO_LARGE.
   */
  readonly publish: EmitEvent;
  /**
   * Events as they are taken, from now on, until the signal aborts. Of a reader that is too slow events are
   * skipped; `missed` says how many since the last one. With a filter only those that pass it count.
   */
  tail(
    signal: AbortSignal,
    filter?: CompiledFilter,
  ): AsyncIterable<{ readonly event: CloudEvent; readonly missed: number }>;
}
