/** What a metric is, whoever reads it. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** UCUM, as OpenTelemetry wants it: `s`, `By`; counted things in braces. `1` is a share: Prometheus calls it a ratio. */
  readonly unit: string;
  /** Names of the attributes that it may have; others are not kept, so the number of series has a bound. */
  readonly labels: readonly string[];
  /** One sentence. */
  readonly help: string;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
  /** Where Prometheus' own programs agreed on another name than the rule gives. */
  readonly prometheus?: string;
}
