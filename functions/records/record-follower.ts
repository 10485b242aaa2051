import { EventEmitter, once, setMaxListeners } from 'node:events';
import { CloverError } from '../lib/errors.ts';
import type { EventRecorder, RecordChange } from './event-recorder.ts';

/** From where on changes can be told. */
export interface Kept {
  /** Version of the newest change. */
  readonly newest: number;
  /** Version of the newest change whose record is forgotten; 0 for none. */
  readonly forgotten: number;
}

/** Follows the changes of records. */
export interface RecordFollower {
  /** Wakes the watches; call it after the commit. */
  announce(): void;
  /** See {@link EventRecorder.watch}. */
  readonly watch: EventRecorder['watch'];
  /** Ends every watch. */
  close(): void;
}

/** @param after The next changes after a version, oldest first; none when there are no newer ones. */
export function createRecordFollower(
  kept: () => Kept,
  after: (version: number) => readonly RecordChange[],
): RecordFollower {
  const news = new EventEmitter();
  news.setMaxListeners(0);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);

  function demandKept(version: number): void {
    const { newest, forgotten } = kept();
    if (version >= forgotten && version <= newest) return;
    throw new CloverError(
      'CLV_RESOURCE_GONE',
      `records are kept from resourceVersion ${forgotten} to ${newest}, not from ${version}: list again`,
    );
  }

  async function* follow(from: number, signal: AbortSignal): AsyncGenerator<RecordChange> {
    let position = from;
    while (!signal.aborted) {
      demandKept(position);
      const changes = after(position);
      if (changes.length === 0) await once(news, 'change', { signal }).catch(() => undefined);
      for (const change of changes) {
        if (signal.aborted) return;
        position = Number(change.object.metadata.resourceVersion);
        yield change;
      }
    }
  }

  return {
    announce: () => news.emit('change'),
    watch(from, { signal }) {
      if (!/^\d{1,15}$/.test(from)) {
        const message = `found ${JSON.stringify(from)}; must be a number`;
        throw new CloverError('CLV_ARGUMENT_INVALID', `resourceVersion: ${message}`, {
          details: [{ field: 'resourceVersion', message }],
        });
      }
      // Thrown here, not by the first step, so that a caller can still answer with a status.
      demandKept(Number(from));
      return follow(Number(from), AbortSignal.any([signal, closing.signal]));
    },
    close: () => closing.abort(),
  };
}
