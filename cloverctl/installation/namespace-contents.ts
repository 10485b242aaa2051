import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { collectionPath, groupOf, type Place } from './collections.ts';
import { found404 } from './live-object.ts';

const groups = z.object({
  groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })),
});
const resources = z.object({
  resources: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      namespaced: z.boolean(),
      verbs: z.array(z.string()),
    }),
  ),
});
const list = z.object({
  items: z
    .array(
      z.object({
        metadata: z.object({
          name: z.string(),
          ownerReferences: z.array(z.unknown()).default([]),
        }),
      }),
    )
    .nullable(),
});

/** What a cluster puts into every namespace, and keeps there by itself. */
const everywhere = new Set([
  'ConfigMap/istio-ca-root-cert',
  'ConfigMap/kube-root-ca.crt',
  'ConfigMap/openshift-service-ca.crt',
  'ServiceAccount/default',
]);
/** Made by the cluster of what others made. */
const derived = new Set(['Endpoints', 'EndpointSlice', 'Event', 'Lease', 'PodMetrics']);

/** A kind of objects that are in namespaces, and can be listed. */
export type NamespacedKind = Pick<Place, 'apiVersion' | 'kind' | 'plural'>;

/** The kinds of objects that somebody may put into a namespace. */
export interface NamespacedKinds {
  readonly kinds: readonly NamespacedKind[];
  /** Groups whose own server is down: nobody knows what there is of them. */
  readonly silent: readonly string[];
}

/** Asks for all of them, whatever brought them. */
export async function namespacedKinds(client: KubeClient): Promise<NamespacedKinds> {
  const answer = groups.parse(await client.call({ method: 'GET', path: '/apis' }));
  const versions = ['v1', ...answer.groups.map((one) => one.preferredVersion.groupVersion)];
  const found = await Promise.all(
    versions.map(async (version) => ({ version, kinds: await kindsOf(client, version) })),
  );
  return {
    kinds: found.flatMap(({ kinds }) => kinds ?? []),
    silent: found.filter(({ kinds }) => kinds === undefined).map(({ version }) => groupOf(version)),
  };
}

/** Objects in a namespace that somebody has put there; those with an owner go with it. */
export async function contentsOf(
  client: KubeClient,
  namespace: string,
  kinds: readonly NamespacedKind[],
): Promise<readonly Place[]> {
  const found = await Promise.all(
    kinds.map(async ({ apiVersion, kind, plural }) => {
      const path = collectionPath({ apiVersion, plural, namespace });
      const answer = await found404(client.call({ method: 'GET', path }));
      return (list.parse(answer ?? { items: [] }).items ?? [])
        .filter(({ metadata }) => metadata.ownerReferences.length === 0)
        .map(({ metadata: { name } }): Place => ({ apiVersion, kind, plural, namespace, name }))
        .filter(({ name }) => !everywhere.has(`${kind}/${name}`));
    }),
  );
  return found.flat();
}

/** Undefined: the server of that group does not answer. */
async function kindsOf(
  client: KubeClient,
  apiVersion: string,
): Promise<readonly NamespacedKind[] | undefined> {
  const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  try {
    const served = await found404(client.call({ method: 'GET', path }));
    return resources
      .parse(served ?? { resources: [] })
      .resources.filter(
        ({ name, kind, namespaced, verbs }) =>
          namespaced && verbs.includes('list') && !name.includes('/') && !derived.has(kind),
      )
      .map(({ name: plural, kind }) => ({ apiVersion, kind, plural }));
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_OVERLOADED') return undefined;
    throw error;
  }
}
