import { CloverError } from '../../functions/lib/errors.ts';
import { evaluate } from './json-path/evaluate.ts';
import { parsePath } from './json-path/parse.ts';

/** Puts items in the order of a field. */
export type Sorter = <Item>(items: readonly Item[]) => readonly Item[];

const order = new Intl.Collator('en', { numeric: true });
const ranks = ['undefined', 'boolean', 'number', 'string', 'object'];

/**
 * The order of `--sort-by`, a path as for columns: numbers by value, texts with the numbers in them by value, what has no
 * such field first. What is equal stays as it was.
 * @throws CloverError CLV_ARGUMENT_INVALID with the place in the path; the sorter throws it when no item has the field.
 */
export function sortBy(text: string): Sorter {
  const path = parsePath(text);
  return (items) => {
    const keyed = items.map((item) => ({ item, key: evaluate(path, item)[0] ?? undefined }));
    if (items.length > 0 && keyed.every(({ key }) => key === undefined)) {
      throw new CloverError('CLV_ARGUMENT_INVALID', `--sort-by: no object has ${text}`);
    }
    return keyed.toSorted((a, b) => compare(a.key, b.key)).map(({ item }) => item);
  };
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (typeof a === 'string' && typeof b === 'string') return order.compare(a, b);
  return ranks.indexOf(typeof a) - ranks.indexOf(typeof b);
}
