import type { Kind } from '../../knative/resources/kinds.ts';
import { anyResource, ofKind } from '../resources/stored-resource.ts';
import type { ResourceList } from '../resources/store.ts';
import { resourceList } from './schemas/resources.ts';

/** A list of one kind, as the server answers it; it throws for what has another form. */
export function listOf<K extends Kind>(kind: K, body: unknown): ResourceList<K> {
  const { items, metadata } = resourceList.parse(body);
  const { resourceVersion, continue: next, remainingItemCount } = metadata;
  return {
    items: items.map((item) => ofKind(kind, anyResource(item))),
    resourceVersion,
    ...(next === undefined || next === '' ? {} : { continue: next }),
    ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
  };
}
