import type { StructuralSchema } from '../../../knative/structural-schema.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { fieldPath } from '../../lib/field-path.ts';
import { isRecord } from '../../lib/plain-value.ts';
import { show } from '../../lib/problem-words.ts';

/** Items of a set, or of a list that is a map by some fields, that stand in the list twice. */
export function listTypeErrors(
  schema: StructuralSchema,
  value: readonly unknown[],
  path: readonly PropertyKey[],
): ErrorDetail[] {
  const type = schema['x-kubernetes-list-type'];
  if (type === undefined) return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const [single] = keys.length === 1 ? keys : [];
  const place = (index: number): string =>
    fieldPath(single === undefined ? [...path, index] : [...path, index, single]);
  const first = new Map<string, number>();
  return value.flatMap((item, index) => {
    const identity = type === 'set' ? item : identityOf(item, keys);
    const text = canonicalJson(identity ?? null);
    const earlier = first.get(text);
    if (earlier === undefined) {
      first.set(text, index);
      return [];
    }
    const shown = single !== undefined && isRecord(identity) ? identity[single] : identity;
    const message = `found ${show(shown)} again, as in ${place(earlier)}`;
    return [{ field: place(index), message }];
  });
}

function identityOf(item: unknown, keys: readonly string[]): unknown {
  if (!isRecord(item)) return {};
  return Object.fromEntries(
    keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]),
  );
}
