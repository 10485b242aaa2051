import type { StructuralSchema } from '../../knative/structural-schema.ts';

/** A field as a row of a table. */
export interface FieldRow {
  /** From the root on: `spec.rules[].split[].weight`. */
  readonly field: string;
  readonly type: string;
  /** Its default, or `required`. */
  readonly preset: string;
  readonly range: string;
  readonly meaning: string;
}

/**
 * Every field below a schema, in the order of the schema.
 * @param closed Fields whose inner ones are left out.
 */
export function fieldRows(
  schema: StructuralSchema,
  at: string,
  closed: readonly string[],
): FieldRow[] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([key, inner]) => {
    const field = `${at}.${key}`;
    const row: FieldRow = {
      field,
      type: typeOf(inner),
      preset: required.includes(key) ? 'required' : presetOf(inner),
      range: rangeOf(inner),
      meaning: inner.description ?? '',
    };
    return closed.includes(field) ? [row] : [row].concat(innerRows(inner, field, closed));
  });
}

function innerRows(schema: StructuralSchema, field: string, closed: readonly string[]): FieldRow[] {
  if (schema.items !== undefined) return innerRows(schema.items, `${field}[]`, closed);
  return fieldRows(schema, field, closed);
}

function typeOf({ type, items, additionalProperties }: StructuralSchema): string {
  if (items !== undefined) return `list of ${typeOf(items)}`;
  if (additionalProperties !== undefined) return `map to ${typeOf(additionalProperties)}`;
  return type;
}

function presetOf({ default: preset }: StructuralSchema): string {
  return preset === undefined ? '' : `\`${JSON.stringify(preset)}\``;
}

function rangeOf(schema: StructuralSchema): string {
  const { enum: choices, must, items, additionalProperties } = schema;
  const parts = [
    choices === undefined ? undefined : choices.map((choice) => `\`${String(choice)}\``).join(', '),
    between(numberText(schema.minimum), numberText(schema.maximum), ''),
    // Where a pattern has its words, they say the length.
    must === undefined
      ? between(schema.minLength, schema.maxLength, ' characters')
      : plainWords(must),
    between(schema.minItems, schema.maxItems, ' items'),
    between(undefined, schema.maxProperties, ' entries'),
    distinct(schema),
    ...[items, additionalProperties].map((inner) =>
      inner === undefined || inner.properties !== undefined ? undefined : each(rangeOf(inner)),
    ),
  ];
  return parts.filter((part) => part !== undefined && part !== '').join('; ');
}

const each = (range: string): string => (range === '' ? '' : `each ${range}`);
const plainWords = (must: string): string => must.replace(/^must be (?:an? )?/, '');

/** A bound that is there only because a number of JSON has no more digits is none. */
function numberText(bound: number | undefined): number | undefined {
  return bound !== undefined && Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;
}

function between(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === undefined && most === undefined) return '';
  if (most === undefined) return `at least ${String(least)}${unit}`;
  if (least === undefined) return `at most ${String(most)}${unit}`;
  return `${String(least)} to ${String(most)}${unit}`;
}

function distinct(schema: StructuralSchema): string {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] === undefined) return '';
  return keys.length === 0 ? 'all different' : `different by ${keys.join(' and ')}`;
}

/**
 * Every rule in CEL below a schema, in words, with the field that it is of.
 * @param closed Fields whose rules are left out.
 */
export function ruleLines(
  schema: StructuralSchema,
  at: string,
  closed: readonly string[],
): string[] {
  if (closed.includes(at)) return [];
  const own = (schema['x-kubernetes-validations'] ?? []).map(
    ({ message, fieldPath = '' }) => `\`${at}${fieldPath}\` ${message}`,
  );
  const { items, properties = {}, additionalProperties } = schema;
  return [
    ...own,
    ...(items === undefined ? [] : ruleLines(items, `${at}[]`, closed)),
    ...(additionalProperties === undefined
      ? []
      : ruleLines(additionalProperties, `${at}{}`, closed)),
    ...Object.entries(properties).flatMap(([key, inner]) =>
      ruleLines(inner, `${at}.${key}`, closed),
    ),
  ];
}
