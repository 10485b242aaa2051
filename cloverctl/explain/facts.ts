import type { StructuralSchema } from '../../knative/structural-schema.ts';

/** The type of a field as kubectl writes it: `[]Object`, `map[string]string`. */
export function typeText({ type, items, additionalProperties }: StructuralSchema): string {
  if (type === 'array') return `[]${items === undefined ? 'Object' : typeText(items)}`;
  if (additionalProperties !== undefined) return `map[string]${typeText(additionalProperties)}`;
  return type === 'object' ? 'Object' : type;
}

/** What a value has to be, a line for each: default, choices, bounds, form, and the rules across its fields. */
export function factsOf(schema: StructuralSchema): readonly string[] {
  const { default: standard, enum: choices, format, pattern, must } = schema;
  const keys = schema['x-kubernetes-list-map-keys'];
  const isUnique = schema['x-kubernetes-list-type'] !== undefined;
  const inner = schema.items ?? schema.additionalProperties;
  return [
    ...(standard === undefined ? [] : [`default: ${JSON.stringify(standard)}`]),
    ...(choices === undefined
      ? []
      : [`enum: ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`]),
    ...bounds('range', schema.minimum, schema.maximum),
    ...bounds('characters', schema.minLength, schema.maxLength),
    ...bounds('items', schema.minItems, schema.maxItems),
    ...bounds('entries', undefined, schema.maxProperties),
    ...(format === undefined || format.startsWith('int') ? [] : [`format: ${format}`]),
    ...(must === undefined && pattern !== undefined ? [`pattern: ${pattern}`] : []),
    ...(must === undefined ? [] : [must]),
    ...(isUnique ? [`unique: ${keys === undefined ? 'every item' : `by ${keys.join(', ')}`}`] : []),
    ...(schema['x-kubernetes-validations'] ?? []).map(
      ({ message, fieldPath }) =>
        `rule: ${fieldPath === undefined ? '' : `${fieldPath.replace(/^\./, '')} `}${message}`,
    ),
    // Objects have fields of their own to say it.
    ...(inner === undefined || inner.properties !== undefined
      ? []
      : factsOf(inner).map((fact) => `each: ${fact}`)),
  ];
}

function bounds(title: string, low: number | undefined, high: number | undefined): string[] {
  // Whole numbers of no own bound have those of a double.
  const from = low === undefined || low <= Number.MIN_SAFE_INTEGER ? undefined : low;
  const to = high === undefined || high >= Number.MAX_SAFE_INTEGER ? undefined : high;
  if (from !== undefined && to !== undefined) return [`${title}: ${from} to ${to}`];
  if (from !== undefined) return [`${title}: at least ${from}`];
  return to === undefined ? [] : [`${title}: at most ${to}`];
}
