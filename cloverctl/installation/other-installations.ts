import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { collectionPath } from './collections.ts';
import { isDataAlone } from './delete-objects.ts';
import { inventoryPlace, parseInventory, type Inventory } from './inventory.ts';
import type { Wish } from './permissions.ts';

const list = z.object({
  items: z.array(z.looseObject({ metadata: z.object({ namespace: z.string() }) })),
});

/** An installation that has programs, and where it is. */
export interface OtherInstallation {
  readonly namespace: string;
  readonly inventory: Inventory;
}

/** What it takes to see installations of other namespaces. */
export const wishToSeeOthers: Wish = {
  verb: 'list',
  group: '',
  resource: 'configmaps',
  namespace: undefined,
};

/**
 * Installations of other namespaces. One of which nothing but data was kept is none: nobody of it works on objects.
 * @throws CloverError CLV_CONFIG_INVALID when the inventory of one is damaged; CLV_KUBERNETES_FORBIDDEN.
 */
export async function otherInstallations(
  client: KubeClient,
  namespace: string,
): Promise<readonly OtherInstallation[]> {
  const { apiVersion, plural, name } = inventoryPlace(namespace);
  const query = {
    fieldSelector: `metadata.name=${name}`,
    labelSelector: 'app.kubernetes.io/part-of=clover',
  };
  const path = collectionPath({ apiVersion, plural });
  const { items } = list.parse(await client.call({ method: 'GET', path, query }));
  return items
    .filter(({ metadata }) => metadata.namespace !== namespace)
    .map((found) => {
      const other = found.metadata.namespace;
      return { namespace: other, inventory: parseInventory(found, other) };
    })
    .filter(({ inventory }) => !isDataAlone(inventory.objects));
}
