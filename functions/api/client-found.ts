import { CloverError } from '../lib/errors.ts';

/** What was asked for, or undefined where the server has none of that name. */
export async function found<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_NOT_FOUND') return undefined;
    throw error;
  }
}
