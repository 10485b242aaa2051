import type { AnyResource, Kind, KindMap } from '../../knative/resources/kinds.ts';
import type { ObjectMeta } from '../../knative/resources/meta.ts';
import type { ResourceStore } from '../resources/store.ts';

/** The objects of a kind in all namespaces, as they are now. */
export interface FollowedObjects<K extends Kind> {
  /**
   * By {@link placeOf}. They are listed at the first call, and again at the first one after a watch that broke for good; in between a
   * watch brings what changes.
   * @throws CloverError what the list says: the next call lists again.
   */
  now(): Promise<ReadonlyMap<string, KindMap[K]>>;
}

/** Where an object is, within its kind. */
export const placeOf = ({ namespace, name }: Pick<ObjectMeta, 'name' | 'namespace'>): string =>
  `${namespace}/${name}`;

/**
 * Follows a kind for somebody who looks often, and not for long.
 * @param signal ends the watch.
 */
export function followObjects<K extends Kind>(
  store: Pick<ResourceStore, 'list' | 'watch'>,
  kind: K,
  signal: AbortSignal,
): FollowedObjects<K> {
  let known: Map<string, KindMap[K]> | undefined;

  async function follow(objects: Map<string, KindMap[K]>, from: string): Promise<void> {
    try {
      for await (const { type, object } of store.watch(kind, from, { signal })) {
        if (!isOf(kind, object)) continue;
        if (type === 'DELETED') objects.delete(placeOf(object.metadata));
        else objects.set(placeOf(object.metadata), object);
      }
    } catch {
      // Whatever it was, the next list tells it, or mends it.
    }
    known = undefined;
  }

  return {
    now: async () => {
      if (known !== undefined) return known;
      const { items, resourceVersion } = await store.list(kind);
      known = new Map(items.map((object) => [placeOf(object.metadata), object]));
      void follow(known, resourceVersion);
      return known;
    },
  };
}

function isOf<K extends Kind>(kind: K, object: AnyResource): object is KindMap[K] {
  return object.kind === kind;
}
