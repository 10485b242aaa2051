import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { collectionPath, type Place } from './collections.ts';

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
          deletionTimestamp: z.string().exactOptional(),
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

/** Objects in a namespace that somebody has put there; those with an owner go with it. */
export async function contentsOf(client: KubeClient, namespace: string): Promise<readonly Place[]> {
  const answer = groups.parse(await client.call({ method: 'GET', path: '/apis' }));
  const versions = ['v1', ...answer.groups.map((one) => one.preferredVersion.groupVersion)];
  const found = await Promise.all(versions.map((version) => ofVersion(client, version, namespace)));
  return found.flat();
}

async function ofVersion(
  client: KubeClient,
  apiVersion: string,
  namespace: string,
): Promise<readonly Place[]> {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const served = await client.call({ method: 'GET', path: root }).catch(passedOver);
  if (served === undefined) return [];
  const kinds = resources
    .parse(served)
    .resources.filter(
      ({ name, kind, namespaced, verbs }) =>
        namespaced && verbs.includes('list') && !name.includes('/') && !derived.has(kind),
    );
  const found = await Promise.all(
    kinds.map(async ({ name: plural, kind }) => {
      const path = collectionPath({ apiVersion, plural, namespace });
      const { items } = list.parse(await client.call({ method: 'GET', path }));
      return (items ?? [])
        .filter(({ metadata }) => metadata.ownerReferences.length === 0)
        .map(({ metadata }): Place => ({
          apiVersion,
          kind,
          plural,
          namespace,
          name: metadata.name,
        }))
        .filter(({ name }) => !everywhere.has(`${kind}/${name}`));
    }),
  );
  return found.flat();
}

/** A group whose own server is down hides nothing of ours. */
function passedOver(error: unknown): undefined {
  if (error instanceof CloverError && error.code !== 'CLV_KUBERNETES_FORBIDDEN') return undefined;
  throw error;
}
