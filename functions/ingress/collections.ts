import { z } from 'zod';
import type { Log } from '../lib/log.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { followCollection, type KubeNews } from '../resources/kubernetes/follow.ts';
import type { ServiceDirectory } from './backend.ts';
import {
  endpointSliceSchema,
  serviceOf,
  serviceSchema,
  type EndpointSlice,
  type Service,
} from './cluster-services.ts';
import { ingressCollection, ingressSchema, keyOf, type Ingress } from './ingress-object.ts';

/** What the cluster has, kept by watches. */
export interface Collections extends ServiceDirectory {
  /** Whether each collection has come once: before that nothing may be concluded from what is missing. */
  isWhole(): boolean;
  ingresses(): readonly Ingress[];
}

/** Options of {@link followCluster}. */
export interface CollectionsOptions {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Called after each change. */
  readonly onChange: () => void;
  /** A collection is not followed any more. */
  readonly onFatal: (error: unknown) => void;
}

const named = z.object({ metadata: z.object({ namespace: z.string(), name: z.string() }) });

/** Follows Ingresses, Services and EndpointSlices of all namespaces, as far as this network layer reads them. */
export function followCluster(options: CollectionsOptions): Collections {
  const ingresses = follow(options, ingressCollection, ingressSchema);
  const services = follow(options, '/api/v1/services', serviceSchema);
  const slices = follow(
    options,
    '/apis/discovery.k8s.io/v1/endpointslices',
    endpointSliceSchema,
    serviceOf,
  );
  return {
    isWhole: () => [ingresses, services, slices].every(({ isListed }) => isListed()),
    ingresses: () => [...ingresses.byKey.values()],
    service: (key): Service | undefined => services.byKey.get(key),
    slices: (key): readonly EndpointSlice[] => [...(slices.groups.get(key)?.values() ?? [])],
  };
}

interface Followed<Item> {
  readonly isListed: () => boolean;
  /** By `<namespace>/<name>`. */
  readonly byKey: ReadonlyMap<string, Item>;
  /** By their group, then by `<namespace>/<name>`. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, Item>>;
}

function follow<Item>(
  { client, signal, log, onChange, onFatal }: CollectionsOptions,
  path: string,
  schema: z.ZodType<Item>,
  groupOf: (item: Item) => string | undefined = () => undefined,
): Followed<Item> {
  const byKey = new Map<string, Item>();
  const groups = new Map<string, Map<string, Item>>();
  let isListed = false;

  const remove = (key: string): void => {
    const item = byKey.get(key);
    byKey.delete(key);
    const group = item === undefined ? undefined : groupOf(item);
    if (group === undefined) return;
    const members = groups.get(group);
    members?.delete(key);
    if (members?.size === 0) groups.delete(group);
  };
  const put = (object: unknown): void => {
    const key = keyOf(named.parse(object).metadata);
    remove(key);
    const parsed = schema.safeParse(object);
    if (!parsed.success) {
      // Only where a definition is not the one that this was written for.
      log.error(
        { path, object: key, err: parsed.error },
        'an object cannot be read: it is left out',
      );
      return;
    }
    byKey.set(key, parsed.data);
    const group = groupOf(parsed.data);
    if (group === undefined) return;
    const members = groups.get(group) ?? new Map<string, Item>();
    groups.set(group, members.set(key, parsed.data));
  };
  const take = (news: KubeNews): void => {
    if (news.type === 'DELETED') remove(keyOf(named.parse(news.object).metadata));
    else if (news.type !== 'LISTED') put(news.object);
    else {
      byKey.clear();
      groups.clear();
      for (const object of news.objects) put(object);
      isListed = true;
    }
    onChange();
  };
  const onGap = (err: unknown): void => {
    log.warn({ path, err }, 'the watch of a collection has a gap: it is listed anew');
  };
  const run = async (): Promise<void> => {
    for await (const news of followCollection(client, { path, signal, onGap })) take(news);
  };
  run().catch(onFatal);
  return { isListed: () => isListed, byKey, groups };
}
