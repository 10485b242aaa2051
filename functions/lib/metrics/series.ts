/** Values since the start, in buckets. */
export interface HistogramValue {
  readonly bounds: readonly number[];
  /** Per bucket, not cumulative; the last one is above every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One series of a metric. */
export interface Series {
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** 0 where there is a histogram. */
  readonly value: number;
  readonly histogram?: HistogramValue;
}
