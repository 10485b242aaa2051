import { EventEmitter, once, setMaxListeners } from 'node:events';
import { CloverError } from './errors.ts';
import { demandVersion } from './resource-version.ts';

/** From where on changes can be told. */
export interface Kept {
  /** Version of the newest change. */
  readonly newest: number;
  /** Version of the newest change that is forgotten; 0 for none. */
  readonly forgotten: number;
}

/** Follows changes that have versions. */
export interface Follower<Entry> {
  /** Wakes the watches; call it after the commit. */
  announce(): void;
  /** @throws CloverError CLV_RESOURCE_GONE when a watch from that version is not possible. */
  demandKept(version: number): void;
  /**
   * Changes after a version, until the signal aborts or the follower closes.
   * @param tell What a watch tells of a change; undefined: nothing.
   * @throws CloverError at the call or at any step: CLV_RESOURCE_GONE, CLV_ARGUMENT_INVALID when it is no version.
   */
  watch<Told>(
    from: string,
    signal: AbortSignal,
    tell: (entry: Entry) => Told | undefined,
  ): AsyncIterable<Told, void, void>;
  /** Ends every watch. */
  close(): void;
}

/** What a follower reads. */
export interface FollowerSource<Entry> {
  /** What is followed, in the plural, for what is said of it. */
  readonly what: string;
  readonly kept: () => Kept;
  /** The next changes after a version, oldest first; none when there are no newer ones. */
  readonly after: (version: number) => readonly Entry[];
}

/** Makes a follower of what is written by this process alone. */
export function createFollower<Entry extends { readonly version: number }>({
  what,
  kept,
  after,
}: FollowerSource<Entry>): Follower<Entry> {
  const news = new EventEmitter();
  news.setMaxListeners(0);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);

  function demandKept(version: number): void {
    const { newest, forgotten } = kept();
    if (version >= forgotten && version <= newest) return;
    throw new CloverError(
      'CLV_RESOURCE_GONE',
      `${what} are kept from resourceVersion ${forgotten} to ${newest}, not from ${version}: list again`,
    );
  }

  async function* follow<Told>(
    from: number,
    signal: AbortSignal,
    tell: (entry: Entry) => Told | undefined,
  ): AsyncGenerator<Told, void, void> {
    let position = from;
    while (!signal.aborted) {
      demandKept(position);
      const entries = after(position);
      if (entries.length === 0) await once(news, 'change', { signal }).catch(() => undefined);
      for (const entry of entries) {
        if (signal.aborted) return;
        position = entry.version;
        const told = tell(entry);
        if (told !== undefined) yield told;
      }
    }
  }

  return {
    announce: () => void news.emit('change'),
    demandKept,
    watch(from, signal, tell) {
      demandVersion(from);
      // Thrown here, not by the first step, so that a caller can still answer with a status.
      demandKept(Number(from));
      return follow(Number(from), AbortSignal.any([signal, closing.signal]), tell);
    },
    close: () => closing.abort(),
  };
}
