import type { z } from 'zod';
import { CloverError } from '../lib/errors.ts';
import { fieldPath } from '../lib/field-path.ts';

/**
 * Reads a configuration in JSON.
 * @param what it is of, for messages.
 * @throws CloverError CLV_CONFIG_INVALID; message and details name each bad key, and show no value: it may be a secret.
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  what: string,
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `${what}: this is not JSON`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // Not the words of `fieldErrors`: they show what was found, and here that may be a secret.
  const details = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          field: fieldPath([...issue.path, key]),
          message: 'unknown key',
        }))
      : [{ field: fieldPath(issue.path), message: issue.message }],
  );
  const problems = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new CloverError('CLV_CONFIG_INVALID', `${what}: ${problems}`, { details });
}
