/** What is stored of one request, by the side that saw it. */
export interface NumberedSpans {
  /** Of the request, from 0 in the order in which they were sent. */
  readonly n: number;
  readonly kind: string;
  /** Spans of that kind, each identity once. */
  readonly spans: number;
  /** Start of the first of them, Unix ms. */
  readonly startMs: number;
}

/** What is missing of a load while an agent was away, and how far that is told. */
export interface Gap {
  /** Of these one side has more than one span, or a kind that neither side makes. */
  readonly doubled: readonly number[];
  /** Of these a side has no span, in order. */
  readonly missing: readonly number[];
  /** Of them, those that lie outside of the interval. */
  readonly untold: readonly number[];
}

const sides = ['Client', 'Server'];

/**
 * Compares a load with its spans.
 * @param interval when nobody looked, Unix ms: requests that others before it, or after it, have started between must be whole.
 */
export function gapOf(
  sent: number,
  rows: readonly NumberedSpans[],
  interval: { readonly fromMs: number; readonly toMs: number },
): Gap {
  const seen = Map.groupBy(rows, ({ n }) => n);
  const numbers = Array.from({ length: sent }, (_, n) => n);
  const missing = numbers.filter((n) => (seen.get(n) ?? []).length < sides.length);
  const before = rows.filter(({ startMs }) => startMs < interval.fromMs).map(({ n }) => n);
  const after = rows.filter(({ startMs }) => startMs >= interval.toMs).map(({ n }) => n);
  const [first, last] = [Math.max(-1, ...before), Math.min(sent, ...after)];
  return {
    doubled: rows
      .filter(({ n, kind, spans }) => spans > 1 || n >= sent || !sides.includes(kind))
      .map(({ n }) => n),
    missing,
    untold: missing.filter((n) => n <= first || n >= last),
  };
}
