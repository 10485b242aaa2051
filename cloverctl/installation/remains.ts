import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import {
  collectionPath,
  groupOf,
  installationKinds,
  type InstallationKind,
  type Place,
} from './collections.ts';
import { isData } from './delete-objects.ts';
import { found404 } from './live-object.ts';
import { demandPermissions, type Wish } from './permissions.ts';

const groups = z.object({
  groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })),
});
const list = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        ownerReferences: z.array(z.unknown()).default([]),
        deletionTimestamp: z.string().exactOptional(),
      }),
    }),
  ),
});

/**
 * What is left of an installation whose inventory is gone, as after somebody has deleted its namespace: what is marked as Clover's and
 * as of this namespace, in the order in which it would be made.
 * @throws CloverError CLV_KUBERNETES_FORBIDDEN.
 */
export async function remainsOf(client: KubeClient, namespace: string): Promise<readonly Place[]> {
  const wishes = installationKinds.map(({ group, plural: resource, isClusterWide }): Wish => ({
    verb: 'list',
    group,
    resource,
    namespace: isClusterWide ? undefined : namespace,
  }));
  await demandPermissions(client, wishes);
  const answer = groups.parse(await client.call({ method: 'GET', path: '/apis' }));
  const versions = answer.groups.map(({ preferredVersion }) => preferredVersion.groupVersion);
  const found = await Promise.all(
    ['v1', ...versions].flatMap((version) =>
      installationKinds
        .filter(({ group }) => group === groupOf(version))
        .map((kind) => marked(client, version, kind, namespace)),
    ),
  );
  return found.flat().toSorted((one, other) => rank(one) - rank(other));
}

async function marked(
  client: KubeClient,
  apiVersion: string,
  { kind, plural, isClusterWide }: InstallationKind,
  namespace: string,
): Promise<readonly Place[]> {
  const scope = isClusterWide ? {} : { namespace };
  const labelSelector = `app.kubernetes.io/part-of=clover,app.kubernetes.io/instance=${namespace}`;
  const path = collectionPath({ apiVersion, plural, ...scope });
  const answer = await found404(client.call({ method: 'GET', path, query: { labelSelector } }));
  const { items } = list.parse(answer ?? { items: [] });
  return items
    .map(({ metadata }) => metadata)
    .filter(({ ownerReferences }) => ownerReferences.length === 0)
    .filter(({ deletionTimestamp }) => deletionTimestamp === undefined)
    .filter(({ name }) => kind !== 'Namespace' || name === namespace)
    .map(({ name }): Place =>
      isClusterWide
        ? { apiVersion, kind, plural, name }
        : { apiVersion, kind, plural, namespace, name },
    );
}

/** Who works rests on accounts and roles, and those on what holds data. */
function rank(place: Place): number {
  if (isData(place)) return 0;
  const isAccess = place.kind === 'ServiceAccount' || groupOf(place.apiVersion).startsWith('rbac.');
  return isAccess ? 1 : 2;
}
