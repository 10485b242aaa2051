import type { StructuralSchema } from '../../../knative/structural-schema.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { fieldPath } from '../../lib/field-path.ts';
import { isList, isRecord } from '../../lib/plain-value.ts';
import { isRfc3339 } from '../../lib/rfc3339.ts';
import { boundText, choiceText, show, valueText } from '../../lib/problem-words.ts';
import { listTypeErrors } from './list-type.ts';

type Path = readonly PropertyKey[];

/** Unknown fields of one object that get a near miss: a stranger may send as many as a body has room for. */
const mostGuesses = 16;

/** Everything in a value that its schema does not take, rules in CEL apart; unknown fields are errors. */
export function schemaErrors(
  schema: StructuralSchema,
  value: unknown,
  path: Path = [],
): ErrorDetail[] {
  const message = ownProblem(schema, value);
  if (message !== undefined) return [{ field: fieldPath(path), message }];
  if (isList(value)) return itemErrors(schema, value, path);
  return isRecord(value) ? fieldsErrors(schema, value, path) : [];
}

/** What is wrong with the value itself, and not with what is in it. */
function ownProblem(schema: StructuralSchema, value: unknown): string | undefined {
  const isAllowed = schema.enum?.includes(value) ?? true;
  if (!hasType(schema.type, value) || !isAllowed) {
    return expectation(schema, `found ${show(value)}`, value);
  }
  const bound = boundProblem(schema, value);
  return bound === undefined ? undefined : `found ${show(value)}; ${bound}`;
}

function hasType(type: StructuralSchema['type'], value: unknown): boolean {
  switch (type) {
    case 'array':
      return isList(value);
    case 'object':
      return isRecord(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    default:
      return typeof value === type;
  }
}

function expectation(
  { type, enum: choices }: StructuralSchema,
  begin: string,
  value?: unknown,
): string {
  return choices === undefined ? `${begin}; expected ${type}` : valueText(begin, value, choices);
}

/** What is wrong with the size or the form of a value of the right type. */
function boundProblem(schema: StructuralSchema, value: unknown): string | undefined {
  if (typeof value === 'number') return outside(value, schema.minimum, schema.maximum);
  if (isList(value)) return outside(value.length, schema.minItems, schema.maxItems, 'item');
  if (isRecord(value)) {
    return outside(Object.keys(value).length, undefined, schema.maxProperties, 'entry');
  }
  if (typeof value !== 'string') return undefined;
  const { minLength, maxLength, format, pattern, must } = schema;
  // In code points, as an API server counts. A text is not spread that is surely too long.
  const length = value.length > 65_536 ? value.length : Array.from(value).length;
  const size = outside(length, minLength, maxLength, 'character');
  if (size !== undefined) return size;
  if (format === 'date-time' && !isRfc3339(value)) return 'must be an RFC 3339 date-time';
  if (pattern === undefined) return undefined;
  return new RegExp(pattern, 'u').test(value) ? undefined : (must ?? `must match ${pattern}`);
}

function outside(
  size: number,
  least: number | undefined,
  most: number | undefined,
  unit?: 'character' | 'entry' | 'item',
): string | undefined {
  if (least !== undefined && size < least) return boundText('least', least, unit);
  if (most !== undefined && size > most) return boundText('most', most, unit);
  return undefined;
}

function itemErrors(
  schema: StructuralSchema,
  value: readonly unknown[],
  path: Path,
): ErrorDetail[] {
  const { items } = schema;
  const inner =
    items === undefined
      ? []
      : value.flatMap((item, index) => schemaErrors(items, item, [...path, index]));
  // Items that fit are compared only: those of a stranger may be nested deeper than the stack.
  return inner.length > 0 ? inner : listTypeErrors(schema, value, path);
}

function fieldsErrors(
  { properties = {}, required = [], additionalProperties }: StructuralSchema,
  value: Readonly<Record<string, unknown>>,
  path: Path,
): ErrorDetail[] {
  const missing = required
    .filter((key) => !Object.hasOwn(value, key))
    .map((key) => {
      const schema = properties[key];
      const message = schema === undefined ? 'is required' : expectation(schema, 'is required');
      return { field: fieldPath([...path, key]), message };
    });
  let unknown = 0;
  const given = Object.entries(value).flatMap(([key, inner]) => {
    const schema = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (schema !== undefined) return schemaErrors(schema, inner, [...path, key]);
    const allowed = Object.keys(properties);
    unknown += 1;
    const message = choiceText('unknown field', unknown > mostGuesses ? undefined : key, allowed);
    return [{ field: fieldPath([...path, key]), message }];
  });
  return [...missing, ...given];
}
