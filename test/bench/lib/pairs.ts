import { median } from './median.ts';

/** So many that the third and the tenth difference hold the median with 96 % (sign test). */
const count = 12;

/** What was measured with tracing and without it, right after each other. */
export interface Pair<T> {
  readonly traced: T;
  readonly untraced: T;
}

/** Twelve pairs, the first of which is the traced one by turns. */
export async function inPairs<T>(measure: (tracing: boolean) => Promise<T>): Promise<Pair<T>[]> {
  const pairs: Pair<T>[] = [];
  for (let at = 0; at < count; at += 1) {
    const first = await measure(at % 2 === 0);
    const second = await measure(at % 2 !== 0);
    const [traced, untraced] = at % 2 === 0 ? [first, second] : [second, first];
    pairs.push({ traced, untraced });
  }
  return pairs;
}

/** The median of what {@link inPairs} pairs differ by, and the bounds that hold it with 96 %. */
export function medianOf(differences: readonly number[]): {
  readonly difference: number;
  readonly from: number;
  readonly to: number;
} {
  if (differences.length !== count) throw new RangeError(`not ${count} pairs`);
  const sorted = differences.toSorted((a, b) => a - b);
  return { difference: median(sorted), from: sorted[2] ?? Number.NaN, to: sorted[9] ?? Number.NaN };
}
