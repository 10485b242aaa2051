import { z } from 'zod';
import { CloverError } from '../lib/errors.ts';
import { fieldErrors } from '../resources/field-errors.ts';

/**
 * The query of a request by its schema.
 * @throws CloverError CLV_ARGUMENT_INVALID that names every bad parameter.
 */
export function parseQuery<S extends z.ZodType>(schema: S, query: unknown): z.output<S> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const details = fieldErrors(schema, query, parsed.error.issues);
  const text = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new CloverError('CLV_ARGUMENT_INVALID', `invalid query: ${text}`, { details });
}

/** A switch in a query: `true` or `false`. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** A point in time in a query: Unix milliseconds or RFC 3339. */
export const instant = z
  .string()
  .refine((text) => Number.isFinite(unixMs(text)), {
    message: 'must be Unix milliseconds or RFC 3339, for example 2026-01-31T12:00:00Z',
  })
  .transform(unixMs);

function unixMs(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  return /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
}
