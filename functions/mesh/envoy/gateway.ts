import type { EnvoyResources } from './resources.ts';

/** One state of the gateway. */
export interface GatewaySnapshot {
  /** Fencing number, from 1. */
  readonly version: number;
  readonly resources: EnvoyResources;
}

/** What the gateway said to a snapshot. */
export interface Acknowledgement {
  /** `unknown`: everything is in place for the gateway, but it does not answer. */
  readonly state: 'acknowledged' | 'unknown';
  /** Why it is unknown. */
  readonly message?: string;
}

/** One Envoy, as its target sees it. Implementations: file xDS; in memory. */
export interface Gateway {
  /** Folder of the configuration as the data plane sees it; stands in the rendered listeners. */
  readonly xdsDir: string;

  /** The highest fencing number in place; 0 when there is none. */
  fence(): number;

  /**
   * Brings the data plane to the snapshot, in an order in which no request fails, and repairs whatever
   * differs from it. Call it one at a time.
   * @throws CloverError CLV_CONFLICT when a newer snapshot is in place: nothing was changed by then;
   * CLV_GATEWAY_REJECTED with one detail per refused part (`clusters`, `listeners`, `routes/<port>`)
   * and the data plane's own reason: the refused parts keep what they had.
   */
  apply(snapshot: GatewaySnapshot): Promise<Acknowledgement>;
}
