import type { FunctionEntry, Trigger } from '../../../knative/catalogue.ts';
import { triggerFilters, type TriggerFilter } from '../../../knative/filters.ts';
import { evaluateCesql } from '../../lib/cesql/evaluate.ts';
import type { Expression } from '../../lib/cesql/expression.ts';
import { builtinFunctions } from '../../lib/cesql/functions.ts';
import { parseCesql } from '../../lib/cesql/parse.ts';
import { newWork, type Work } from '../../lib/cesql/work.ts';
import { CloverError, type ErrorDetail } from '../../lib/errors.ts';
import { fieldErrors } from '../../resources/field-errors.ts';
import type { Attributes } from '../cloud-event-attributes.ts';

/** A trigger's filters, checked and parsed: plain data that may go to another thread. */
export type CompiledFilter =
  | {
      readonly is: 'exact' | 'prefix' | 'suffix';
      readonly name: string;
      readonly value: string;
    }
  | { readonly is: 'all' | 'any'; readonly of: readonly CompiledFilter[] }
  | { readonly is: 'not'; readonly of: CompiledFilter }
  | { readonly is: 'cesql'; readonly expression: Expression };

/** A trigger with what it takes. */
export interface CompiledTrigger {
  readonly trigger: Trigger;
  readonly filter: CompiledFilter;
}

/**
 * The triggers of a function with their filters.
 * @throws CloverError CLV_FILTER_INVALID with the path of every field that is wrong.
 */
export function compileTriggers(entry: FunctionEntry): readonly CompiledTrigger[] {
  return entry.triggers.map((trigger, index) => ({
    trigger,
    filter: compileFilter(trigger, `${entry.name}.triggers[${index}]`),
  }));
}

/**
 * What a trigger takes: every one of its `filters` has to match; without any its `filter` counts.
 * @param path of the trigger, for what is said of it.
 * @throws CloverError CLV_FILTER_INVALID with the path of every field that is wrong.
 */
export function compileFilter(
  trigger: Pick<Trigger, 'filter' | 'filters' | 'name'>,
  path: string,
): CompiledFilter {
  const { name, filter, filters = [] } = trigger;
  const { of, problems } = check({ filter, filters });
  if (problems.length > 0) throw refused(`trigger ${JSON.stringify(name)}: `, `${path}.`, problems);
  return { is: 'all', of: of.length > 0 ? of : Object.entries(filter).map(equals) };
}

/**
 * Filters that come from outside on their own: an event passes when it passes every one.
 * @throws CloverError CLV_FILTER_INVALID with the path of every field that is wrong: `filters[0].cesql`.
 */
export function compileFilters(filters: unknown): CompiledFilter {
  const { of, problems } = check({ filter: {}, filters });
  if (problems.length > 0) throw refused('', '', problems);
  return { is: 'all', of };
}

/** Most levels of lists and objects in `filters`. */
const maxLevels = 64;

/** Before the form is checked, which goes as deep as the value. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const members: readonly unknown[] = Object.values(value);
  return levels === 0 || members.some((inner) => isDeeper(inner, levels - 1));
}

function check(value: { readonly filter: unknown; readonly filters: unknown }): {
  readonly of: readonly CompiledFilter[];
  readonly problems: readonly ErrorDetail[];
} {
  if (isDeeper(value.filters, maxLevels)) {
    const message = `nests deeper than the ${maxLevels} levels of lists and objects that are allowed`;
    return { of: [], problems: [{ field: 'filters', message }] };
  }
  const parsed = triggerFilters.safeParse(value);
  if (!parsed.success) {
    return { of: [], problems: fieldErrors(triggerFilters, value, parsed.error.issues) };
  }
  const problems: ErrorDetail[] = [];
  const of = parsed.data.filters.map((one, index) => compile(one, `filters[${index}]`, problems));
  return { of, problems };
}

function refused(what: string, path: string, problems: readonly ErrorDetail[]): CloverError {
  const details = problems.map(({ field, message }) => ({ field: `${path}${field}`, message }));
  const said = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new CloverError('CLV_FILTER_INVALID', `${what}${said}`, { details });
}

/**
 * Whether an event with these attributes passes. An expression passes if it is `true` without an error.
 * @param work what all expressions of the filter may do together: one of many must not cost many times as much.
 */
export function passes(
  filter: CompiledFilter,
  attributes: Attributes,
  work: Work = newWork(),
): boolean {
  switch (filter.is) {
    case 'exact':
      return attributes.get(filter.name) === filter.value;
    case 'prefix':
      return attributes.get(filter.name)?.startsWith(filter.value) ?? false;
    case 'suffix':
      return attributes.get(filter.name)?.endsWith(filter.value) ?? false;
    case 'all':
      return filter.of.every((one) => passes(one, attributes, work));
    case 'any':
      return filter.of.some((one) => passes(one, attributes, work));
    case 'not':
      return !passes(filter.of, attributes, work);
    default: {
      const { value, error } = evaluateCesql(filter.expression, attributes, builtinFunctions, work);
      return error === undefined && value === true;
    }
  }
}

/** In Knative's `filter` the empty text stands for any value; every text begins with it. */
function equals([name, value]: readonly [string, string]): CompiledFilter {
  return { is: value === '' ? 'prefix' : 'exact', name, value };
}

function compile(filter: TriggerFilter, path: string, problems: ErrorDetail[]): CompiledFilter {
  const { exact, prefix, suffix, all, any, not, cesql } = filter;
  const list = (found: readonly TriggerFilter[], field: string): readonly CompiledFilter[] =>
    found.map((one, index) => compile(one, `${path}.${field}[${index}]`, problems));
  if (exact !== undefined) return perAttribute('exact', exact);
  if (prefix !== undefined) return perAttribute('prefix', prefix);
  if (suffix !== undefined) return perAttribute('suffix', suffix);
  if (all !== undefined) return { is: 'all', of: list(all, 'all') };
  if (any !== undefined) return { is: 'any', of: list(any, 'any') };
  if (not !== undefined) return { is: 'not', of: compile(not, `${path}.not`, problems) };
  return { is: 'cesql', expression: parse(cesql ?? '', `${path}.cesql`, problems) };
}

function perAttribute(
  is: 'exact' | 'prefix' | 'suffix',
  values: Readonly<Record<string, string>>,
): CompiledFilter {
  return { is: 'all', of: Object.entries(values).map(([name, value]) => ({ is, name, value })) };
}

function parse(text: string, field: string, problems: ErrorDetail[]): Expression {
  try {
    return parseCesql(text);
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    problems.push({ field, message: error.message });
    return { kind: 'literal', value: false };
  }
}
