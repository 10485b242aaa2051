import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import type { TrafficForm } from './traffic-form.ts';

/** What a target is to carry. */
export interface Traffic {
  /** Only of policies that are accepted. */
  readonly form: TrafficForm;
  /** Every policy, the accepted ones and the others. */
  readonly policies: readonly PolicyTraffic[];
}

/** What a target has to know of a policy beside its routes. */
export interface PolicyTraffic {
  /** `<namespace>/<name>`, the name of its virtual host. */
  readonly key: string;
  readonly uid: string;
  /** Hash of what its traffic was made from. A change and its roll-back give equal traffic, and never an equal basis. */
  readonly basis: string;
  /** Uids of its succeeded runs whose overlay is given back for good, sorted. */
  readonly released: readonly string[];
}

/** Where a policy's traffic is: no two policies have the same place. Or why the target cannot carry it. */
export type Place =
  | { readonly key: string }
  /** A sentence that begins with the field. */
  | { readonly problem: string };

/** What became of one policy's traffic. */
export interface PolicyOutcome {
  /** `unknown`: what could be done is done, but nobody says that it is in force. */
  readonly state: 'acknowledged' | 'rejected' | 'unknown';
  /** Why it is not acknowledged. */
  readonly message: string;
  /** Why it is rejected. Default: the data plane did it. */
  readonly reason?: 'ForeignOwner' | 'MeshNotFound' | 'TargetNotFound';
  /** Fencing number of what is in place, from 1; 0 where nothing is. */
  readonly version: number;
  /** SHA-256 of what the traffic is rendered to, without numbers that count up: hex. */
  readonly hash: string;
}

/** A data plane, as the policy function sees it. Implementations: one Envoy without a mesh; Istio. */
export interface TrafficTarget {
  place(policy: TrafficPolicy): Place;

  /**
   * What is in place. It has to be read before the policies and the runs: by that a writer that read
   * these, and stalled, is refused.
   */
  read(): Promise<TargetReading>;

  /** Totals since the start. */
  counters(): Readonly<Record<string, number>>;
}

/** What was in place at one time, and the way to change it. */
export interface TargetReading {
  /** Uids of succeeded runs whose overlay was given back before. */
  readonly released: ReadonlySet<string>;

  /** Whether the traffic is in place, and nothing else is. */
  isSettled(traffic: Traffic): boolean;

  /**
   * Brings the traffic into force, in an order in which no request fails, and repairs whatever differs from it. The
   * same traffic gives the same bytes.
   * @param options.resync it is done by ticks: what was refused is tried again, and what is not used any more may go.
   * @returns Outcomes by the policy's key, of every policy that is accepted.
   * @throws CloverError CLV_CONFLICT when somebody has written since: read everything again.
   */
  program(
    traffic: Traffic,
    options: { readonly resync: boolean },
  ): Promise<ReadonlyMap<string, PolicyOutcome>>;
}
