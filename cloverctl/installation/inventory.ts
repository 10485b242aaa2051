import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { KubernetesObject } from '../../knative/render/kubernetes-object.ts';
import { keyOf, objectPath, type Place } from './collections.ts';
import { found404 } from './live-object.ts';

const place = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  plural: z.string(),
  namespace: z.string().exactOptional(),
  name: z.string(),
});

const document = z.object({
  data: z.object({
    version: z.string(),
    settings: z.string(),
    objects: z.string(),
    namespace: z.enum(['made', 'found']),
  }),
});

/** What is installed, as the cluster itself keeps it. */
export interface Inventory {
  /** Of Clover. */
  readonly version: string;
  /** The installation as its owner wrote it, without what is found out or made up. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Everything that was made, in the order of making. */
  readonly objects: readonly Place[];
  /** Whether the namespace was there before. */
  readonly namespace: 'found' | 'made';
}

/** The ConfigMap that keeps the inventory of a namespace. */
export function inventoryPlace(namespace: string): Place {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    plural: 'configmaps',
    namespace,
    name: 'clover-installation',
  };
}

/**
 * What is installed in a namespace; undefined where nothing is.
 * @throws CloverError CLV_CONFIG_INVALID when somebody has damaged it.
 */
export async function readInventory(
  client: KubeClient,
  namespace: string,
): Promise<Inventory | undefined> {
  const path = objectPath(inventoryPlace(namespace));
  const found = await found404(client.call({ method: 'GET', path }));
  return found === undefined ? undefined : parseInventory(found, namespace);
}

/**
 * Reads the ConfigMap of a namespace.
 * @throws CloverError CLV_CONFIG_INVALID when somebody has damaged it.
 */
export function parseInventory(found: unknown, namespace: string): Inventory {
  try {
    const { data } = document.parse(found);
    return {
      version: data.version,
      settings: z.record(z.string(), z.unknown()).parse(JSON.parse(data.settings)),
      objects: z.array(place).parse(JSON.parse(data.objects)),
      namespace: data.namespace,
    };
  } catch (cause) {
    const message = `the ConfigMap clover-installation of ${namespace} is damaged; it says what is installed. Delete it and install again: what is there is taken over`;
    throw new CloverError('CLV_CONFIG_INVALID', message, { cause });
  }
}

/** The ConfigMap that keeps an inventory. */
export function inventoryObject(
  namespace: string,
  { version, settings, objects, namespace: origin }: Inventory,
): KubernetesObject & { readonly data: Readonly<Record<string, string>> } {
  const { apiVersion, kind, name } = inventoryPlace(namespace);
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/part-of': 'clover', 'app.kubernetes.io/instance': namespace },
    },
    data: {
      version,
      namespace: origin,
      settings: JSON.stringify(settings),
      objects: JSON.stringify(objects),
    },
  };
}

/** Writes it; the same again changes nothing. */
export async function writeInventory(
  client: KubeClient,
  namespace: string,
  inventory: Inventory,
): Promise<void> {
  await client.call({
    method: 'PATCH',
    path: objectPath(inventoryPlace(namespace)),
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'cloverctl', force: 'true' },
    body: inventoryObject(namespace, inventory),
  });
}

/** Places of both, each once, those of the first in front. */
export function union(one: readonly Place[], other: readonly Place[]): readonly Place[] {
  const known = new Set(one.map((each) => keyOf(each)));
  return [...one, ...other.filter((each) => !known.has(keyOf(each)))];
}

/** Places of the first that are not in the second. */
export function without(one: readonly Place[], other: readonly Place[]): readonly Place[] {
  const gone = new Set(other.map((each) => keyOf(each)));
  return one.filter((each) => !gone.has(keyOf(each)));
}
