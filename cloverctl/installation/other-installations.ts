import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { collectionPath } from './collections.ts';
import { isDataAlone } from './delete-objects.ts';
import { inventoryPlace, parseInventory, type Inventory } from './inventory.ts';
import type { Wish } from './permissions.ts';

const list = z.object({
  items: z.array(z.looseObject({ metadata: z.object({ namespace: z.string() }) })),
});
const instance = 'app.kubernetes.io/instance';
const labelled = z.object({
  items: z.array(
    z.object({ metadata: z.object({ labels: z.object({ [instance]: z.string().optional() }) }) }),
  ),
});
const labelSelector = 'app.kubernetes.io/part-of=clover';

/** An installation that has programs, and where it is. */
export interface OtherInstallation {
  readonly namespace: string;
  /** Absent where somebody has damaged it. */
  readonly inventory: Inventory | undefined;
}

/** What other namespaces say of Clover. */
export interface OtherNamespaces {
  readonly installations: readonly OtherInstallation[];
  /** What only a ConfigMap says: one line for each namespace. It binds nobody. */
  readonly doubts: readonly string[];
}

/** What it takes to see installations of other namespaces. */
export const wishesToSeeOthers: readonly Wish[] = [
  { verb: 'list', group: '', resource: 'configmaps', namespace: undefined },
  {
    verb: 'list',
    group: 'rbac.authorization.k8s.io',
    resource: 'clusterroles',
    namespace: undefined,
  },
];

/**
 * Installations of other namespaces. One of which nothing but data was kept is none: nobody of it works on objects. Whoever has a
 * namespace can write an inventory there, so that it counts only where a ClusterRole is marked as of that installation: that takes
 * rights on the whole cluster.
 * @throws CloverError CLV_KUBERNETES_FORBIDDEN.
 */
export async function otherInstallations(
  client: KubeClient,
  namespace: string,
): Promise<OtherNamespaces> {
  const { apiVersion, plural, name } = inventoryPlace(namespace);
  const query = { fieldSelector: `metadata.name=${name}`, labelSelector };
  const path = collectionPath({ apiVersion, plural });
  const { items } = list.parse(await client.call({ method: 'GET', path, query }));
  const others = items
    .filter(({ metadata }) => metadata.namespace !== namespace)
    .map((found): OtherInstallation => {
      const other = found.metadata.namespace;
      return { namespace: other, inventory: unlessDamaged(found, other) };
    })
    .filter(({ inventory }) => inventory === undefined || !isDataAlone(inventory.objects));
  if (others.length === 0) return { installations: [], doubts: [] };
  const confirmed = await namespacesOfRoles(client);
  const [installations = [], rest = []] = [true, false].map((isConfirmed) =>
    others.filter((other) => confirmed.has(other.namespace) === isConfirmed),
  );
  return { installations, doubts: rest.map((other) => doubt(name, other)) };
}

function unlessDamaged(found: unknown, namespace: string): Inventory | undefined {
  try {
    return parseInventory(found, namespace);
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_CONFIG_INVALID') return undefined;
    throw error;
  }
}

/** The namespaces whose installations have roles of the whole cluster. */
async function namespacesOfRoles(client: KubeClient): Promise<ReadonlySet<string | undefined>> {
  const path = collectionPath({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    plural: 'clusterroles',
  });
  const answer = await client.call({ method: 'GET', path, query: { labelSelector } });
  return new Set(labelled.parse(answer).items.map(({ metadata }) => metadata.labels[instance]));
}

function doubt(name: string, { namespace, inventory }: OtherInstallation): string {
  const what = inventory === undefined ? 'is damaged' : `tells of Clover ${inventory.version}`;
  return `the ConfigMap ${name} of ${namespace} ${what}, and no ClusterRole is labelled ${instance}=${namespace}: it counts for nothing`;
}
