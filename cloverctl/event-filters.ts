import { InvalidArgumentError } from 'commander';
import { isList } from '../functions/lib/plain-value.ts';
import { triggerFilters, type TriggerFilter } from '../knative/filters.ts';

/** How an attribute is compared, as selectors of CSS write it. */
const operators: Readonly<Record<string, (name: string, value: string) => TriggerFilter>> = {
  '=': (name, value) => ({ exact: { [name]: value } }),
  '!=': (name, value) => ({ not: { exact: { [name]: value } } }),
  '^=': (name, value) => ({ prefix: { [name]: value } }),
  '$=': (name, value) => ({ suffix: { [name]: value } }),
};

/**
 * Parser of an option that may be repeated: `type=a`, `type!=a`, `type^=a`, `type$=a`, or filters of a trigger in JSON,
 * one or a list.
 */
export function parseFilter(
  text: string,
  before: readonly TriggerFilter[] = [],
): readonly TriggerFilter[] {
  const [, name = '', operator = '', value = ''] =
    /^([a-z][a-z0-9]*)(=|!=|\^=|\$=)(.+)$/s.exec(text) ?? [];
  const compare = operators[operator];
  return [...before, ...(compare === undefined ? fromJson(text) : [compare(name, value)])];
}

/** Parser of an option that may be repeated: an expression of CESQL. The server says what is wrong with one. */
export function parseExpression(
  text: string,
  before: readonly TriggerFilter[] = [],
): readonly TriggerFilter[] {
  if (text.trim() === '') throw new InvalidArgumentError('must be an expression of CESQL');
  return [...before, { cesql: text }];
}

function fromJson(text: string): readonly TriggerFilter[] {
  const value = parse(text);
  const filters = isList(value) ? value : [value];
  const checked = triggerFilters.safeParse({ filter: {}, filters });
  if (checked.success) return checked.data.filters;
  const [issue] = checked.error.issues;
  throw new InvalidArgumentError(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError(
      'must be NAME=VALUE, NAME!=VALUE, NAME^=START, NAME$=END, or filters of a trigger in JSON',
    );
  }
}
