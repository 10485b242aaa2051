import { eventTypes } from '../../knative/events.ts';
import { CloverError, type ErrorDetail } from '../lib/errors.ts';
import { compileTriggers, type CompiledFilter } from './broker/filters.ts';
import type { Deployed } from './runner.ts';

/**
 * Refuses a function whose entry brings it events that it has no handler of: each of them would become a dead letter. Of a
 * trigger only such types are known that its filters name as a whole.
 * @throws CloverError CLV_CONFIG_INVALID with every place in the catalogue, CLV_FILTER_INVALID.
 */
export function checkHandlers(deployed: readonly Deployed[]): void {
  const details = deployed.flatMap(problems);
  if (details.length === 0) return;
  const said = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new CloverError('CLV_CONFIG_INVALID', said, { details });
}

function problems({ fn, entry }: Deployed): readonly ErrorDetail[] {
  const handled = new Set((fn.handlers ?? []).map(({ type }) => type));
  const without = (field: string, type: string): readonly ErrorDetail[] =>
    handled.has(type)
      ? []
      : [{ field: `${entry.name}.${field}`, message: `${fn.name} has no handler of ${type}` }];
  return [
    ...compileTriggers(entry).flatMap(({ filter }, index) => {
      const field = `triggers[${index}]`;
      const types = typesOf(filter);
      if (types !== undefined) return [...types].flatMap((type) => without(field, type));
      if (handled.size > 0) return [];
      return [{ field: `${entry.name}.${field}`, message: `${fn.name} has no handlers` }];
    }),
    ...entry.direct.flatMap((type, index) => without(`direct[${index}]`, type)),
    ...entry.schedules.flatMap((_, index) => without(`schedules[${index}]`, eventTypes.tick)),
  ];
}

/** The only types that a filter can pass, if it names them. */
function typesOf(filter: CompiledFilter): ReadonlySet<string> | undefined {
  if (filter.is === 'exact') return filter.name === 'type' ? new Set([filter.value]) : undefined;
  if (filter.is !== 'all' && filter.is !== 'any') return undefined;
  const sets = filter.of.map(typesOf);
  const known = sets.filter((types) => types !== undefined);
  if (known.length === 0 || (filter.is === 'any' && known.length < sets.length)) return undefined;
  const types = new Set(known.flatMap((some) => [...some]));
  if (filter.is === 'any') return types;
  return new Set([...types].filter((type) => known.every((some) => some.has(type))));
}
