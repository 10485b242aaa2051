import type { ApiClient } from '../../functions/api/client.ts';
import type { Clock } from '../../functions/lib/clock.ts';
import type { LoadReport } from '../../infra/samples/sdc/load-report.ts';
import type { ProxyVersion } from '../../infra/samples/sdc/topology.ts';
import type { Screen } from './screen.ts';

/** A manifest of the sample, by its name in `infra/samples/sdc`. */
export type Manifest =
  | 'experiment-drill'
  | 'experiment-shift'
  | 'policy-v1'
  | 'policy-v1-v2'
  | 'policy-v2-v3'
  | 'tap';

/** Where the story is told: Clover runs, and the sample's first pods are there. */
export interface Stage {
  /** Clover's API. */
  readonly client: Pick<ApiClient, 'evidenceTotals' | 'get' | 'red' | 'storedArms'>;
  /** Applies a manifest of the sample as a user would. */
  apply(manifest: Manifest): Promise<void>;
  /** Adds the pod of another version of the proxy; no traffic goes there yet. */
  addVersion(version: ProxyVersion): Promise<void>;
  /** Whether the agent traces every pod of the sample that is there, so that no request goes unseen. */
  isTraced(): Promise<boolean>;
  /** Whether the gateway stamps responses, once the status of the policy says that it is programmed. */
  isStamping(): Promise<boolean>;
  /** Starts the load from the client. */
  startLoad(): Promise<StageLoad>;
  /** Envoy: requests completed per version since it started. */
  proxied(): Promise<ReadonlyMap<string, number>>;
  readonly screen: Screen;
  readonly clock: Clock;
  /** Ends the story. */
  readonly signal: AbortSignal;
  readonly limits: StageLimits;
}

/** The load of the story. */
export interface StageLoad {
  /** Requests per second. */
  readonly rate: number;
  /** Sends nothing more, waits for what is open, and gives the exact last report. */
  stop(): Promise<LoadReport>;
}

/** Longest waits, in milliseconds; the story goes on as soon as it can. */
export interface StageLimits {
  /** For Clover to follow what was applied. */
  readonly followMs: number;
  /** For a run to end. */
  readonly runMs: number;
}
