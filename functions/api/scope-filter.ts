import type { Kind } from '../../knative/resources/kinds.ts';
import type { LabelSelector } from '../lib/label-selector.ts';
import type { ResourceEvent } from '../resources/store.ts';

/** Which objects are meant. */
export interface Scope {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** No object at all. */
  readonly none: boolean;
}

/**
 * What a watch tells of a change; undefined: nothing. As an API server does it, an object that begins to be selected is
 * ADDED, and one that stops to be is DELETED. Of an object that was not seen before it is not known which it was: it is
 * told DELETED once too often rather than not.
 */
export function createScopeFilter(
  scope: Scope,
  selects: LabelSelector,
): (change: ResourceEvent) => ResourceEvent['type'] | undefined {
  const selected = new Map<string, boolean>();
  return ({ type, object: { metadata } }) => {
    const { namespace, name, uid, labels } = metadata;
    if (scope.none || (scope.namespace ?? namespace) !== namespace) return undefined;
    if ((scope.name ?? name) !== name) return undefined;
    const before = selected.get(uid);
    const now = selects(labels);
    if (type === 'DELETED') {
      selected.delete(uid);
      return (before ?? now) ? 'DELETED' : undefined;
    }
    selected.set(uid, now);
    if (now) return before === false ? 'ADDED' : type;
    return (before ?? type === 'MODIFIED') ? 'DELETED' : undefined;
  };
}
