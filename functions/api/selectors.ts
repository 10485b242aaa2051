import { CloverError } from '../lib/errors.ts';

/**
 * The values that a field selector asks for: `metadata.name=web,metadata.namespace=shop`. Undefined when it asks for two
 * values of one field, which nothing has: all terms have to hold, as with Kubernetes.
 * @throws CloverError CLV_ARGUMENT_INVALID for another field, or another operator than `=` and `==`.
 */
export function parseFieldSelector<Field extends string>(
  text: string | undefined,
  fields: readonly Field[],
): Readonly<Partial<Record<Field, string>>> | undefined {
  const values: Partial<Record<Field, string>> = {};
  let isPossible = true;
  for (const term of (text ?? '').split(',').filter((part) => part.trim() !== '')) {
    const [, name = '', value = ''] = /^\s*([\w.]+)\s*==?\s*([^=!\s]*)\s*$/.exec(term) ?? [];
    const field = fields.find((known) => known === name);
    if (field === undefined) {
      const message = `found ${JSON.stringify(term)}; allowed: ${fields.map((known) => `${known}=VALUE`).join(', ')}`;
      throw new CloverError('CLV_ARGUMENT_INVALID', `fieldSelector: ${message}`, {
        details: [{ field: 'fieldSelector', message }],
      });
    }
    isPossible &&= (values[field] ?? value) === value;
    values[field] = value;
  }
  return isPossible ? values : undefined;
}
