import type { CloudEvent } from '../../lib/cloud-event.ts';
import type { Attributes } from '../cloud-event-attributes.ts';
import { passes, type CompiledFilter } from './filters.ts';

/** An event as a reader gets it. */
export interface Tailed {
  readonly event: CloudEvent;
  /** Events that were skipped just before this one, because the reader was too slow. */
  readonly missed: number;
}

/** Shows passing events to whoever looks; costs nothing while nobody does. */
export interface Tail {
  /** @param attributes gives what filters see; asked once, and only if a reader has a filter. */
  push(event: CloudEvent, attributes: () => Attributes): void;
  /**
   * Events from now on, until the signal aborts or the tail is closed. What the filter keeps out takes
   * no room, and is not missed.
   */
  read(signal: AbortSignal, filter?: CompiledFilter): AsyncIterable<Tailed, unknown, unknown>;
  close(): void;
}

/** @param capacity events that are kept for a reader that is behind. */
export function createTail(capacity = 256): Tail {
  const readers = new Set<Reader>();
  return {
    push: (event, attributes) => {
      let known: Attributes | undefined;
      for (const reader of readers) {
        const { filter } = reader;
        if (filter === undefined || passes(filter, (known ??= attributes()))) reader.push(event);
      }
    },
    read: (signal, filter) => {
      const reader = createReader(capacity, filter);
      const leave = (): void => {
        readers.delete(reader);
        reader.end();
      };
      readers.add(reader);
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      return iterate(reader, () => {
        signal.removeEventListener('abort', leave);
        leave();
      });
    },
    close: () => {
      for (const reader of readers) reader.end();
      readers.clear();
    },
  };
}

interface Reader {
  readonly filter: CompiledFilter | undefined;
  push(event: CloudEvent): void;
  end(): void;
  /** The next event; undefined after the end. */
  next(): Promise<Tailed | undefined>;
}

function createReader(capacity: number, filter: CompiledFilter | undefined): Reader {
  const waiting: Tailed[] = [];
  let missed = 0;
  let ended = false;
  let changed = Promise.withResolvers<void>();
  return {
    filter,
    push: (event) => {
      if (waiting.length >= capacity) {
        missed += 1;
        return;
      }
      waiting.push({ event, missed });
      missed = 0;
      changed.resolve();
    },
    end: () => {
      ended = true;
      changed.resolve();
    },
    next: async () => {
      for (;;) {
        const first = waiting.shift();
        if (first !== undefined || ended) return first;
        await changed.promise;
        changed = Promise.withResolvers<void>();
      }
    },
  };
}

async function* iterate(reader: Reader, leave: () => void): AsyncGenerator<Tailed> {
  try {
    for (let next = await reader.next(); next !== undefined; next = await reader.next()) {
      yield next;
    }
  } finally {
    leave();
  }
}
