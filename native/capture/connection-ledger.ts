/** Connections of TCP, and sessions of TLS that are read. Cumulative but for `open`. */
export interface ConnectionLedger {
  readonly open: number;
  readonly seen: number;
  /**
   * Open ones that were forgotten, as there was no room for all: those first on which nothing was said, then those that were
   * silent for longest. Seen again, they count again, as connections from before the capture.
   */
  readonly evicted: number;
  /** Those whose bytes are another protocol than the `PortHint` of their port says: `shop/cart:6379 redis, speaks http`. */
  readonly contradicted: Readonly<Record<string, number>>;
}
