import type { Logger } from 'pino';
import { eventTypes, type ResourceReference } from '../../knative/events.ts';
import { kinds, type AnyResource } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { ResourceEvent, ResourceStore } from '../resources/store.ts';
import type { Broker } from './broker/broker.ts';

/** Options of {@link startResourceEvents}. */
export interface ResourceEventsOptions {
  readonly store: Pick<ResourceStore, 'list' | 'watch'>;
  readonly broker: Pick<Broker, 'publish' | 'mark' | 'setMark'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The pump from the resource store to the broker. */
export interface ResourceEvents {
  /** Nothing is published after this resolves. */
  stop(): Promise<void>;
}

const markKey = 'resource-events';
const retryMs = 1_000;

const verbs = {
  ADDED: { verb: 'add', type: eventTypes.resourceAdded },
  MODIFIED: { verb: 'update', type: eventTypes.resourceUpdated },
  DELETED: { verb: 'delete', type: eventTypes.resourceDeleted },
} as const;

/**
 * Publishes every change of the store. The resource version is stored in the commit of its event,
 * so no change is missed over a restart; where the store has forgotten that version, every object
 * is announced as updated.
 */
export function startResourceEvents({
  store,
  broker,
  clock,
  log,
}: ResourceEventsOptions): ResourceEvents {
  const stop = new AbortController();
  const { signal } = stop;

  const publish = (change: ResourceEvent, version: string): Promise<void> =>
    broker.publish(resourceEvent(change), { key: markKey, value: version });

  /** Announces everything and returns the version to watch from. */
  const resync = async (): Promise<string> => {
    const lists: Awaited<ReturnType<ResourceStore['list']>>[] = [];
    for (const { kind } of kinds) lists.push(await store.list(kind));
    // The first list is the oldest view: what changed after it is seen again by the watch.
    const version = lists[0]?.resourceVersion ?? '';
    const objects = lists.flatMap(({ items }): readonly AnyResource[] => items);
    for (const object of objects.slice(0, -1)) {
      await broker.publish(resourceEvent({ type: 'MODIFIED', object }));
    }
    const last = objects.at(-1);
    if (last !== undefined) await publish({ type: 'MODIFIED', object: last }, version);
    // Else every start would begin at the same forgotten place.
    else await broker.setMark({ key: markKey, value: version });
    return version;
  };

  const run = async (): Promise<void> => {
    let from = await broker.mark(markKey);
    while (!signal.aborted) {
      try {
        from ??= await resync();
        for await (const change of store.watch(from, { signal })) {
          const { resourceVersion } = change.object.metadata;
          await publish(change, resourceVersion);
          from = resourceVersion;
        }
      } catch (error) {
        if (signal.aborted) return;
        const gone = error instanceof CloverError && error.code === 'CLV_RESOURCE_GONE';
        log.warn({ err: error, from }, gone ? 'announcing every object again' : 'trying again');
        if (gone) from = undefined;
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  };

  const running = run().catch((error: unknown) => {
    log.error({ err: error }, 'resource events ended: the broker does not answer');
  });
  return {
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

/** A change as Knative's ApiServerSource would send it: a reference, not the object. */
export function resourceEvent({ type: change, object }: ResourceEvent): CloudEvent {
  const { kind, metadata } = object;
  const { namespace, name, uid, resourceVersion } = metadata;
  const { verb, type } = verbs[change];
  const data: ResourceReference = { apiVersion, kind, namespace, name, uid, resourceVersion };
  return {
    specversion: '1.0',
    id: `${uid}-${resourceVersion}-${verb}`,
    source: `/apis/${apiVersion}`,
    type,
    subject: `/apis/${apiVersion}/namespaces/${namespace}/${pluralOf(object)}/${name}`,
    datacontenttype: 'application/json',
    extensions: { kind, name, namespace },
    data: Buffer.from(JSON.stringify(data)),
  };
}

function pluralOf({ kind }: AnyResource): string {
  return kinds.find((info) => info.kind === kind)?.plural ?? kind.toLowerCase();
}
