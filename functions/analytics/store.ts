/** Column blocks in ClickHouse's Native format, ready to insert. */
export interface SpanBlock {
  readonly data: Buffer;
  readonly spans: number;
}

/** One row of the question `red`. */
export interface RedRow {
  readonly service: string;
  readonly version: string;
  readonly kind: string;
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Spans stored per arm stamp at splitting points. */
export interface StoredArmRow {
  readonly run: string;
  readonly epoch: number;
  readonly arm: string;
  readonly requests: number;
}

/** A time window of request starts in Unix milliseconds, [from, to). */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** Where spans live. Implementations: ClickHouse (server, cluster, or the embedded child). */
export interface AnalyticsStore {
  /** Creates or upgrades the schema; safe to call at every start. */
  migrate(): Promise<void>;
  /**
   * Stores blocks; resolves once they are readable. A block given again changes nothing.
   * @throws CloverError CLV_ANALYTICS_UNAVAILABLE when the store cannot be reached.
   */
  insertSpans(blocks: readonly SpanBlock[], signal?: AbortSignal): Promise<void>;
  /** Requests, errors and duration quantiles per service, version and kind. */
  red(window: TimeWindow): Promise<readonly RedRow[]>;
  /** Server spans that carry an arm stamp, per stamp. */
  storedArms(window: TimeWindow): Promise<readonly StoredArmRow[]>;
  /** Whether a trivial query answers. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}
