import type { IncomingHttpHeaders } from 'node:http';
import type { AnyResource } from '../../../knative/resources/kinds.ts';
import { apiVersion } from '../../../knative/resources/meta.ts';
import type { Clock } from '../../lib/clock.ts';
import { CloverError } from '../../lib/errors.ts';
import { parseLabelSelector } from '../../lib/label-selector.ts';
import { show } from '../../resources/field-errors.ts';
import type { ResourceEvent, ResourceStore } from '../../resources/store.ts';
import { asCloverError, problemOf } from '../../host/problem.ts';
import { eventStreamType, eventText, withHeartbeat } from '../event-stream.ts';
import { createScopeFilter, type Scope } from '../scope-filter.ts';
import type { ListQuery } from '../operations/resources.ts';
import type { StreamReply } from '../reply.ts';
import type { Sink } from '../streams.ts';

/** What a watch needs. */
export interface WatchContext {
  readonly resources: Pick<ResourceStore, 'list' | 'watch'>;
  readonly clock: Clock;
  /** A bookmark is written after this long, so that nobody between takes the stream for dead. */
  readonly heartbeatMs: number;
}

/** How a watch is asked for. */
export interface WatchCall {
  readonly query: ListQuery;
  readonly mediaType: string;
  readonly headers: IncomingHttpHeaders;
}

/** Media types of a watch, in the server's order of preference. */
export const watchTypes = ['application/x-ndjson', 'application/json', eventStreamType] as const;

type Message = { readonly type: string; readonly object: unknown };

/** Lines as a Kubernetes API server sends them, or server-sent events with the same data. */
export function watchReply(
  scope: Scope,
  { query, mediaType, headers }: WatchCall,
  context: WatchContext,
): StreamReply {
  const events = mediaType === eventStreamType;
  const from = (events ? lastEventId(headers) : undefined) ?? query.resourceVersion;
  // As in Kubernetes: the version 0 is any, and without one the watch begins with what there is.
  const start = typeof from === 'string' && !/^0*$/.test(from) ? from : undefined;
  const run = (sink: Sink): Promise<void> =>
    follow(sink, { scope, query, start, text: events ? sentEvent : line }, context);
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

const line = (message: Message): string => `${JSON.stringify(message)}\n`;

function sentEvent(message: Message, version: string | undefined): string {
  if (message.type === 'ERROR') return eventText({ event: 'error', data: message.object });
  return eventText({ ...(version === undefined ? {} : { id: version }), data: message });
}

/** So that a reader that goes on after the version of the last object it read misses none of the others. */
const byVersion = (a: AnyResource, b: AnyResource): number =>
  Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);

interface Following {
  readonly scope: Scope;
  readonly query: ListQuery;
  /** The version after which changes are told; undefined: everything first. */
  readonly start: string | undefined;
  /** The version is undefined while a reader that is cut has to begin anew. */
  readonly text: (message: Message, version: string | undefined) => string;
}

async function follow(
  sink: Sink,
  { scope, query, start, text }: Following,
  { resources, clock, heartbeatMs }: WatchContext,
): Promise<void> {
  const { kind } = scope;
  const signals = [sink.signal];
  if (query.timeoutSeconds !== undefined) {
    signals.push(AbortSignal.timeout(query.timeoutSeconds * 1000));
  }
  const signal = AbortSignal.any(signals);
  const listed = start === undefined ? await resources.list(kind, scope.namespace) : undefined;
  const from = start ?? listed?.resourceVersion ?? '0';
  // Unknown until the list is out: the list's own version would pass over what was not read of it.
  let position = start;
  const changes: AsyncIterable<ResourceEvent, unknown, unknown> = resources.watch(from, {
    kind,
    signal,
  });
  const tell = (type: string, object: unknown): Promise<void> =>
    sink.write(text({ type, object }, position));
  const bookmark = async (): Promise<void> => {
    if (position === undefined || query.allowWatchBookmarks === false) return;
    await tell('BOOKMARK', { apiVersion, kind, metadata: { resourceVersion: position } });
  };
  const told = createScopeFilter(scope, parseLabelSelector(query.labelSelector ?? ''));

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
