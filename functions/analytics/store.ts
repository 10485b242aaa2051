/** Column blocks in ClickHouse's Native format, ready to insert. */
export interface SpanBlock {
  readonly data: Buffer;
  readonly spans: number;
}

/** What the question `red` has one row of: each version, or each service with all its versions. */
export type RedGrouping = 'service' | 'version';

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

/** What the ledger keeps of one batch that an agent delivered. */
export interface BatchRecord {
  /** CloudEvents source, `/nodes/<uid>/<boot>`. */
  readonly source: string;
  /** CloudEvents id: dense from 1 within a source when an agent made it. */
  readonly id: string;
  readonly spans: number;
  /** Unix ms: start of the oldest request that was open or unsent; 0 when not said. */
  readonly watermarkMs: number;
  /** Cumulative losses of the source as it wrote them; empty when not said. */
  readonly loss: string;
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
  /**
   * Writes ledger rows, after the spans that they count; a row given again changes nothing.
   * @throws CloverError CLV_ANALYTICS_UNAVAILABLE when the store cannot be reached.
   */
  recordBatches(batches: readonly BatchRecord[], signal?: AbortSignal): Promise<void>;
  /** Requests, errors and duration quantiles per service, version and kind. */
  red(window: TimeWindow, by?: RedGrouping): Promise<readonly RedRow[]>;
  /** Server spans that carry an arm stamp, per stamp. */
  storedArms(window: TimeWindow): Promise<readonly StoredArmRow[]>;
  /**
   * Asks a trivial query, of a schema that is there then.
   * @throws CloverError CLV_ANALYTICS_UNAVAILABLE with what is answered to it.
   */
  ping(): Promise<void>;
  close(): Promise<void>;
}
