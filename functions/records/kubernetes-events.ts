import { z } from 'zod';
import {
  eventsApiVersion,
  kubernetesEvent,
  objectReference,
  type KubernetesEvent,
} from '../../knative/kubernetes-event.ts';
import { demandVersion } from '../lib/resource-version.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { list } from '../resources/kubernetes/list.ts';
import { watchCollection } from '../resources/kubernetes/watch.ts';
import type { EventRecorder } from './event-recorder.ts';
import { badContinue, controller, defaultLimit, isWanted } from './record-words.ts';

/** The records of a cluster, to be read. */
export type KubernetesEvents = Pick<EventRecorder, 'list' | 'watch' | 'close'>;

/** Only what Clover wrote. */
const ours = `fieldSelector=${encodeURIComponent(`reportingController=${controller}`)}`;

/**
 * An API server has no watch cache for Events, and so no bookmarks: nothing tells that one is gone until a watch is older than it lets
 * any become, which is an hour (`--min-request-timeout`, doubled at most).
 */
const silenceMs = 3_600_000;

/** An Event as an API server has it, without what it keeps for itself. */
const served = kubernetesEvent.extend({
  // Of what is in a list the server does not say what it is.
  apiVersion: kubernetesEvent.shape.apiVersion.default(eventsApiVersion),
  kind: kubernetesEvent.shape.kind.default('Event'),
  metadata: kubernetesEvent.shape.metadata.strip(),
  regarding: objectReference.strip(),
  related: objectReference.strip().optional(),
  series: z
    .object({ count: z.int(), lastObservedTime: z.string() })
    .nullish()
    .transform((series) => series ?? undefined),
});

/** Reads an Event of the API server. */
export function readEvent(value: unknown): KubernetesEvent {
  const { series, ...event } = served.strip().parse(value);
  return series === undefined ? event : { ...event, series };
}

/** Where the records of a namespace are, or of all. */
export function eventsPath(namespace?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${eventsApiVersion}${scope}/events`;
}

/**
 * The `events.k8s.io` Events that Clover wrote in a cluster. The API server keeps them for an hour, unless it is told
 * otherwise, and gives them in the order of their names: they are sorted here.
 */
export function createKubernetesEvents(client: KubeClient): KubernetesEvents {
  const closing = new AbortController();
  return {
    async list(query) {
      const { namespace, limit = defaultLimit } = query;
      const { items, resourceVersion } = await list(client, `${eventsPath(namespace)}?${ours}`, {});
      const sorted = items
        .map(readEvent)
        .filter((event) => isWanted(event, query))
        .toSorted(newestFirst);
      const rest =
        query.continue === undefined ? sorted : sorted.slice(placeOf(sorted, query.continue));
      const page = rest.slice(0, limit);
      const last = page.at(-1);
      const more = rest.length > limit && last !== undefined;
      return {
        apiVersion: eventsApiVersion,
        kind: 'EventList',
        metadata: {
          resourceVersion,
          ...(more ? { continue: `${Date.parse(seenAt(last))}-${last.metadata.uid}` } : {}),
        },
        items: page,
      };
    },

    async *watch(from, { signal: ended }) {
      demandVersion(from);
      const signal = AbortSignal.any([ended, closing.signal]);
      const options = { path: `${eventsPath()}?${ours}`, from, signal, silenceMs };
      for await (const { type, object } of watchCollection(client, options)) {
        // That one has grown too old is not told.
        if (type !== 'DELETED') yield { type, object: readEvent(object) };
      }
    },

    async close() {
      closing.abort();
    },
  };
}

const seenAt = ({ series, eventTime }: KubernetesEvent): string =>
  series?.lastObservedTime ?? eventTime;

function newestFirst(a: KubernetesEvent, b: KubernetesEvent): number {
  return (
    Date.parse(seenAt(b)) - Date.parse(seenAt(a)) || (a.metadata.uid < b.metadata.uid ? 1 : -1)
  );
}

/** Where the page after that place begins: what was seen again since then stands before it. */
function placeOf(sorted: readonly KubernetesEvent[], text: string): number {
  const [, seen, uid = ''] = /^(\d{1,15})-([-0-9a-f]{36})$/.exec(text) ?? [];
  if (seen === undefined) throw badContinue(text);
  const at = Number(seen);
  const index = sorted.findIndex((event) => {
    const own = Date.parse(seenAt(event));
    return own < at || (own === at && event.metadata.uid < uid);
  });
  return index === -1 ? sorted.length : index;
}
