import type { FunctionEntry } from '../../knative/catalogue.ts';
import { CloverError } from '../lib/errors.ts';
import type { CloverFunction } from './function.ts';

/** What has a name, and where it stands. */
export interface Named {
  readonly name: string;
  readonly field: string;
}

/**
 * Refuses a name that is there twice: only one of those that have it would ever be reached.
 * @throws CloverError CLV_CONFIG_INVALID with both places.
 */
export function refuseTwice(all: readonly Named[]): void {
  const places = new Map<string, string>();
  for (const { name, field } of all) {
    const first = places.get(name);
    places.set(name, field);
    if (first === undefined) continue;
    const message = `${JSON.stringify(name)} is the one of ${first} too; each has to be its own`;
    throw new CloverError('CLV_CONFIG_INVALID', `${field}: ${message}`, {
      details: [{ field, message }],
    });
  }
}

/**
 * Refuses a function, an entry of the catalogue, and a handler of a function that is there twice.
 * @throws CloverError CLV_CONFIG_INVALID with both places.
 */
export function checkNames(
  functions: readonly CloverFunction[],
  catalogue: readonly FunctionEntry[],
): void {
  refuseTwice(functions.map(({ name }, index) => ({ name, field: `functions[${index}].name` })));
  refuseTwice(catalogue.map(({ name }, index) => ({ name, field: `catalogue[${index}].name` })));
  for (const { name, handlers = [] } of functions) {
    refuseTwice(
      handlers.map(({ type }, index) => ({
        name: type,
        field: `${name}.handlers[${index}].type`,
      })),
    );
  }
}
