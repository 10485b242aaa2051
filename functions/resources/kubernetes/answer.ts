import type { z } from 'zod';
import { CloverError } from '../../lib/errors.ts';

/**
 * What an API server has answered, as what was asked for.
 * @param what that is, with its article: it ends a sentence.
 * @throws CloverError CLV_INTERNAL when it is something else, as from a proxy in between.
 */
export function readAnswer<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const { data, error } = schema.safeParse(value);
  if (error !== undefined) throw noAnswer(what, error);
  return data;
}

/** @throws CloverError CLV_INTERNAL when it is no JSON. */
export function parseAnswer(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw noAnswer('JSON', cause);
  }
}

function noAnswer(what: string, cause: unknown): CloverError {
  const message = `the Kubernetes API answered with something else than ${what}`;
  return new CloverError('CLV_INTERNAL', message, { cause });
}
