import type { Kind, KindMap } from '../../knative/resources/kinds.ts';
import type { ListOptions, ResourceStore } from './store.ts';

const pageSize = 500;

/**
 * All objects of a kind, or all that are selected, page by page: the text of an answer takes several times the memory of its objects.
 * @throws CloverError CLV_RESOURCE_GONE when a page took so long that the next one is forgotten.
 */
export async function listAll<K extends Kind>(
  store: Pick<ResourceStore, 'list'>,
  kind: K,
  selection: Pick<ListOptions, 'unfinished'> = {},
): Promise<KindMap[K][]> {
  const found: KindMap[K][] = [];
  let next: string | undefined;
  do {
    const place = next === undefined ? {} : { continue: next };
    const page = await store.list(kind, undefined, { ...selection, limit: pageSize, ...place });
    found.push(...page.items);
    next = page.continue;
  } while (next !== undefined);
  return found;
}
