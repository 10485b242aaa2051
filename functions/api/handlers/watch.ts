import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../lib/clock.ts';
import { CloverError } from '../../lib/errors.ts';
import { show } from '../../lib/problem-words.ts';
import type { ResourceEvent } from '../../resources/store.ts';
import { asCloverError, problemOf } from '../../host/problem.ts';
import { eventStreamType, eventText, heartbeatText, withHeartbeat } from '../event-stream.ts';
import type { WatchQuery } from '../operations/parameters.ts';
import type { StreamReply } from '../reply.ts';
import type { Sink } from '../streams.ts';

/** What a watch needs. */
export interface WatchContext {
  readonly clock: Clock;
  /** A bookmark is written after this long, so that nobody between takes the stream for dead. */
  readonly heartbeatMs: number;
}

/** What can be watched: it has a version. */
interface Versioned {
  readonly metadata: { readonly resourceVersion: string };
}

type ChangeType = ResourceEvent['type'];

/** One change of what is watched. */
interface Change<T> {
  readonly type: ChangeType;
  readonly object: T;
}

/** What is watched. */
export interface WatchSource<T extends Versioned> {
  readonly apiVersion: string;
  readonly kind: string;
  /** What there is, at one version. */
  readonly list: () => Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }>;
  /** Changes after a version, also of what is not asked for: so a bookmark gets on. */
  readonly watch: (from: string, signal: AbortSignal) => AsyncIterable<Change<T>, unknown, unknown>;
  /** What a watch tells of a change; undefined: nothing. */
  readonly told: (change: Change<T>) => ChangeType | undefined;
}

/** How a watch is asked for. */
export interface WatchCall {
  readonly query: WatchQuery;
  readonly mediaType: string;
  readonly headers: IncomingHttpHeaders;
}

/** Media types of a watch, in the server's order of preference. */
export const watchTypes = ['application/x-ndjson', 'application/json', eventStreamType] as const;

type Message = { readonly type: string; readonly object: unknown };

/** Lines as a Kubernetes API server sends them, or server-sent events with the same data. */
export function watchReply<T extends Versioned>(
  source: WatchSource<T>,
  { query, mediaType, headers }: WatchCall,
  context: WatchContext,
): StreamReply {
  const events = mediaType === eventStreamType;
  const from = (events ? lastEventId(headers) : undefined) ?? query.resourceVersion;
  // As in Kubernetes: the version 0 is any, and without one the watch begins with what there is.
  const start = typeof from === 'string' && !/^0*$/.test(from) ? from : undefined;
  const run = (sink: Sink): Promise<void> =>
    follow(sink, { source, query, start, ...(events ? sentEvents : lines) }, context);
  return {
    kind: 'stream',
    mediaType,
    run: !events
      ? run
      : (sink) =>
          run(sink).catch(async (error: unknown) => {
            // A browser's EventSource sees no status: it has to be told in the stream.
            if (sink.signal.aborted || !isGone(error)) throw error;
            await sink.write(eventText({ event: 'error', data: problemOf(error) }));
          }),
  };
}

/** @throws CloverError CLV_ARGUMENT_INVALID for one that no event of a watch has had. */
function lastEventId({ 'last-event-id': id }: IncomingHttpHeaders): string | undefined {
  if (typeof id !== 'string') return undefined;
  if (/^\d{0,15}$/.test(id)) return id;
  const message = `found ${show(id)}; must be the id of an event of this watch, a number`;
  throw new CloverError('CLV_ARGUMENT_INVALID', `last-event-id: ${message}`, {
    details: [{ field: 'last-event-id', message }],
  });
}

const isGone = (error: unknown): error is CloverError =>
  error instanceof CloverError && error.code === 'CLV_RESOURCE_GONE';

/** Nothing is a message to who reads lines, and still sends the head of the answer. */
const lines = { beat: '', text: (message: Message): string => `${JSON.stringify(message)}\n` };
const sentEvents = { beat: heartbeatText, text: sentEvent };

function sentEvent(message: Message, version: string | undefined): string {
  if (message.type === 'ERROR') return eventText({ event: 'error', data: message.object });
  return eventText({ ...(version === undefined ? {} : { id: version }), data: message });
}

/** So that a reader that goes on after the version of the last object it read misses none of the others. */
const byVersion = (a: Versioned, b: Versioned): number =>
  Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);

interface Following<T extends Versioned> {
  readonly source: WatchSource<T>;
  readonly query: WatchQuery;
  /** The version after which changes are told; undefined: everything first. */
  readonly start: string | undefined;
  /** The version is undefined while a reader that is cut has to begin anew. */
  readonly text: (message: Message, version: string | undefined) => string;
  /** What shows that the stream lives, and is no message. */
  readonly beat: string;
}

async function follow<T extends Versioned>(
  sink: Sink,
  { source, query, start, text, beat }: Following<T>,
  { clock, heartbeatMs }: WatchContext,
): Promise<void> {
  const { apiVersion, kind, told } = source;
  const signals = [sink.signal];
  if (query.timeoutSeconds !== undefined) {
    signals.push(AbortSignal.timeout(query.timeoutSeconds * 1000));
  }
  const signal = AbortSignal.any(signals);
  const listed = start === undefined ? await source.list() : undefined;
  const from = start ?? listed?.resourceVersion ?? '0';
  // Unknown until the list is out: the list's own version would pass over what was not read of it.
  let position = start;
  const changes = source.watch(from, signal);
  const tell = (type: string, object: unknown): Promise<void> =>
    sink.write(text({ type, object }, position));
  const bookmark = async (): Promise<void> => {
    if (position === undefined) return;
    if (query.allowWatchBookmarks === false) return sink.write(beat);
    await tell('BOOKMARK', { apiVersion, kind, metadata: { resourceVersion: position } });
  };

  // A reader waits for the head of the answer for so long only, and there may be nothing to tell for hours.
  await sink.write(beat);
  await withHeartbeat({ clock, ms: heartbeatMs, signal }, bookmark, async () => {
    for (const object of (listed?.items ?? []).toSorted(byVersion)) {
      if (told({ type: 'ADDED', object }) !== undefined) await tell('ADDED', object);
    }
    position ??= from;
    await bookmark();
    try {
      for await (const change of changes) {
        position = change.object.metadata.resourceVersion;
        const type = told(change);
        if (type !== undefined) await tell(type, change.object);
      }
    } catch (error) {
      if (signal.aborted) return;
      // The status has gone out already: what ended the watch is its last message.
      await tell('ERROR', problemOf(asCloverError(error)));
    }
  });
}
