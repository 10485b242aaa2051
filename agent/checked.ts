import { z } from 'zod';
import { CloverError } from '../functions/lib/errors.ts';

/** The error of a field that has to be said. */
export function missing(field: string, message: string): CloverError {
  return new CloverError('CLV_CONFIG_INVALID', `agent configuration: ${field}: ${message}`, {
    details: [{ field, message }],
  });
}

/**
 * What a schema makes of a value.
 * @throws CloverError CLV_CONFIG_INVALID that names each field.
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const details = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: fieldOf([...issue.path, key]), message: 'unknown key' }))
      : [{ field: fieldOf(issue.path), message: issue.message }],
  );
  const problems = details.map((detail) => `${detail.field}: ${detail.message}`).join('; ');
  throw new CloverError('CLV_CONFIG_INVALID', `${what}: ${problems}`, { details });
}

/**
 * Reads JSON.
 * @throws CloverError CLV_CONFIG_INVALID when it is none.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `agent configuration: not JSON: ${String(cause)}`, {
      cause,
    });
  }
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.') || '(root)';
}
