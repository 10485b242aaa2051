import { EventEmitter, on } from 'node:events';
import type { DeadLetter } from '../../../functions/dead-letters/dead-letter-admin.ts';
import type { BrokerAdmin } from '../../../functions/host/broker/admin.ts';
import { passes } from '../../../functions/host/broker/filters.ts';
import { attributesOf } from '../../../functions/host/cloud-event-attributes.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';

/** A broker without triggers: it keeps dead letters, and shows what it takes. */
export interface MemoryBroker extends BrokerAdmin {
  /** Gives an event up. */
  bury(event: CloudEvent, trigger: string): void;
  /** Letters that were given to their trigger again. */
  readonly replayed: readonly number[];
}

/** Starts with no letters. */
export function createMemoryBroker(): MemoryBroker {
  const letters: DeadLetter[] = [];
  const replayed: number[] = [];
  const news = new EventEmitter();
  const take = (id: number): boolean => {
    const index = letters.findIndex((letter) => letter.id === id);
    if (index >= 0) letters.splice(index, 1);
    return index >= 0;
  };
  return {
    replayed,
    bury: (event, trigger) => {
      letters.unshift({ id: (letters[0]?.id ?? 0) + 1, trigger, attempts: 3, at: 1, event });
    },
    publish: async (event) => {
      news.emit('event', event);
    },
    deadLetters: async ({ limit, before = Infinity, trigger }) =>
      letters
        .filter((letter) => letter.id < before && (trigger ?? letter.trigger) === letter.trigger)
        .slice(0, limit),
    deadLetter: async (id) => letters.find((letter) => letter.id === id),
    replayDeadLetter: async (id) => {
      const found = take(id);
      if (found) replayed.push(id);
      return found;
    },
    dropDeadLetter: async (id) => take(id),
    async *tail(signal, filter) {
      const events: AsyncIterable<CloudEvent[], unknown, unknown> = on(news, 'event', { signal });
      try {
        for await (const [event] of events) {
          if (event === undefined) continue;
          if (filter !== undefined && !passes(filter, attributesOf(event))) continue;
          yield { event, missed: 0 };
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}
