import type { Logger } from 'pino';
import { eventTypes, type ResourceReference } from '../../knative/events.ts';
import { kinds, type AnyResource, type Kind } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import type { ResourceStore } from '../resources/store.ts';
import {
  announcedOf,
  announcedPrefix,
  difference,
  isAnnounced,
  markOf,
  placeOf,
  type Announcement,
  type Reference,
} from './announced.ts';
import type { Broker } from './broker/broker.ts';
import type { Mark } from './broker/messages.ts';

/** Options of {@link startResourceEvents}. */
export interface ResourceEventsOptions {
  readonly store: Pick<ResourceStore, 'list' | 'watch'>;
  readonly broker: Pick<Broker, 'publish' | 'mark' | 'marks' | 'setMark'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The pump from the resource store to the broker. */
export interface ResourceEvents {
  /** Nothing is published after this resolves. */
  stop(): Promise<void>;
}

const positionPrefix = 'resource-events/position/';
/** Where versions before this one kept the place of all kinds together. */
const formerPosition = 'resource-events/position';
const retryMs = 1_000;

const verbs = {
  ADDED: { verb: 'add', type: eventTypes.resourceAdded },
  MODIFIED: { verb: 'update', type: eventTypes.resourceUpdated },
  DELETED: { verb: 'delete', type: eventTypes.resourceDeleted },
} as const;

/**
 * Publishes every change of the store. How far it has come, and what was announced of each object, is stored in
 * the commit of each event: no change is missed over a restart, and none is announced anew. Where the store has
 * forgotten the changes since then, what there is is compared with what was announced, and the difference is
 * published, deletions too.
 */
export function startResourceEvents({
  store,
  broker,
  clock,
  log,
}: ResourceEventsOptions): ResourceEvents {
  const stop = new AbortController();
  const { signal } = stop;

  const announce = async (
    announced: Map<string, Reference>,
    announcement: Announcement,
    position?: Mark,
  ): Promise<void> => {
    const marks = [markOf(announcement), ...(position === undefined ? [] : [position])];
    await broker.publish(resourceEvent(announcement), marks);
    const { type, object } = announcement;
    if (type === 'DELETED') announced.delete(placeOf(object));
    else announced.set(placeOf(object), object);
  };

  /** Announces the difference and returns the version to watch from. */
  const resync = async (kind: Kind, announced: Map<string, Reference>): Promise<string> => {
    const { items, resourceVersion } = await store.list(kind);
    const objects = items.map((object: AnyResource) => referenceOf(object));
    for (const announcement of difference(announced, objects)) {
      signal.throwIfAborted();
      await announce(announced, announcement);
    }
    await broker.setMark({ key: positionPrefix + kind, value: resourceVersion });
    return resourceVersion;
  };

  const follow = async (
    kind: Kind,
    from: string,
    announced: Map<string, Reference>,
  ): Promise<void> => {
    for await (const { type, object } of store.watch(kind, from, { signal })) {
      const position = { key: positionPrefix + kind, value: object.metadata.resourceVersion };
      const announcement = { type, object: referenceOf(object) };
      if (isAnnounced(announced, announcement)) await broker.setMark(position);
      else await announce(announced, announcement, position);
    }
  };

  const runOne = async (kind: Kind, announced: Map<string, Reference>): Promise<void> => {
    let isGone = false;
    while (!signal.aborted) {
      try {
        const position = isGone
          ? undefined
          : ((await broker.mark(positionPrefix + kind)) ?? (await broker.mark(formerPosition)));
        const from = position ?? (await resync(kind, announced));
        isGone = false;
        await follow(kind, from, announced);
      } catch (error) {
        if (signal.aborted) return;
        isGone ||= error instanceof CloverError && error.code === 'CLV_RESOURCE_GONE';
        const what = isGone ? 'comparing with what was announced' : 'trying again';
        log.warn({ err: error, kind }, what);
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  };

  /** A kind at a time has its own place: the changes of two have no order on Kubernetes. */
  const run = async (): Promise<void> => {
    const all = [...announcedOf(await broker.marks(announcedPrefix))];
    await Promise.all(
      kinds.map(({ kind }) =>
        runOne(kind, new Map(all.filter(([, object]) => object.kind === kind))),
      ),
    );
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

function referenceOf({ kind, metadata }: AnyResource): Reference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { kind, namespace, name, uid, resourceVersion };
}

/**
 * A change as Knative's ApiServerSource would send it: a reference, not the object. The id follows from what is
 * announced, so that the same announcement has the same id whenever it is made.
 */
export function resourceEvent({ type: change, object }: Announcement): CloudEvent {
  const { kind, namespace, name, uid, resourceVersion } = object;
  const { verb, type } = verbs[change];
  const data: ResourceReference = { apiVersion, kind, namespace, name, uid, resourceVersion };
  return {
    specversion: '1.0',
    id: `${uid}-${resourceVersion}-${verb}`,
    source: `/apis/${apiVersion}`,
    type,
    subject: `/apis/${apiVersion}/namespaces/${namespace}/${pluralOf(kind)}/${name}`,
    datacontenttype: 'application/json',
    extensions: { kind, name, namespace },
    data: Buffer.from(JSON.stringify(data)),
  };
}

function pluralOf(kind: string): string {
  return kinds.find((info) => info.kind === kind)?.plural ?? kind.toLowerCase();
}
