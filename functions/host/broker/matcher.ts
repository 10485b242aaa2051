import type { Attributes } from '../cloud-event-attributes.ts';
import { passes, type CompiledFilter } from './filters.ts';
import type { Route } from './messages.ts';

/** Names of the routes that an event with these attributes matches. */
export type Match = (attributes: Attributes) => readonly string[];

/** Most triggers want one type: only those of the event's own, and those that name none, are evaluated. */
export function createMatcher(routes: readonly Route[]): Match {
  const byType = Map.groupBy(routes, ({ filter }) => filter && typeOf(filter));
  const anyType = byType.get(undefined) ?? [];
  return (attributes) =>
    [...(byType.get(attributes.get('type') ?? '') ?? []), ...anyType]
      .filter(({ filter }) => filter !== undefined && passes(filter, attributes))
      .map(({ name }) => name);
}

/** The one type that a filter can pass, if it says so. */
function typeOf(filter: CompiledFilter): string | undefined {
  if (filter.is === 'exact') return filter.name === 'type' ? filter.value : undefined;
  if (filter.is !== 'all') return undefined;
  return filter.of.map(typeOf).find((type) => type !== undefined);
}
