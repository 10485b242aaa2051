import type { StructuralSchema } from '../../../knative/structural-schema.ts';
import { isList, isRecord } from '../../lib/plain-value.ts';

/**
 * The value with defaults where nothing, or null, is given, as an API server fills them in: also inside
 * of a default. Other nulls are dropped, but for items of lists. Unknown fields stay: they are errors.
 */
export function withDefaults(schema: StructuralSchema, value: unknown): unknown {
  const { items, properties = {}, additionalProperties } = schema;
  if (isList(value)) {
    return items === undefined ? value : value.map((item) => withDefaults(items, item));
  }
  if (!isRecord(value)) return value;
  const given = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const field = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    const known = inner ?? structuredClone(field?.default);
    return [key, field === undefined ? inner : withDefaults(field, known)];
  });
  const missing = Object.entries(properties)
    .filter(([key, field]) => field.default !== undefined && !Object.hasOwn(value, key))
    .map(([key, field]): [string, unknown] => [
      key,
      withDefaults(field, structuredClone(field.default)),
    ]);
  return Object.fromEntries([...given, ...missing].filter(([, inner]) => inner !== undefined));
}
