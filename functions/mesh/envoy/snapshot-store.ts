/** What the gateway should have: one revision. */
export interface EnvoySnapshot {
  /** Fencing number, rising. */
  readonly version: number;
  /** SHA-256 of `resources`, hex. */
  readonly hash: string;
  /** Canonical JSON of the rendered resources without their version: the exact bytes. */
  readonly resources: string;
  /** Uids of succeeded runs whose overlay has been given back, sorted. */
  readonly released: readonly string[];
  /** When it was committed, Unix milliseconds. */
  readonly at: number;
}

/** The head and its history. Only a writer that has seen the head can move it. */
export interface SnapshotStore {
  /** The newest snapshot. */
  head(): Promise<EnvoySnapshot | undefined>;

  /**
   * Makes `next` the head, durably, if the head still has version `expected` (0: there is none).
   * @throws CloverError CLV_CONFLICT when somebody else was faster; RangeError when `next` is not newer.
   */
  advance(expected: number, next: Omit<EnvoySnapshot, 'at'>): Promise<EnvoySnapshot>;

  /** The newest ten, newest first. */
  revisions(): Promise<readonly EnvoySnapshot[]>;

  /** Releases the file. */
  close(): Promise<void>;
}
