import type { RequestMatch } from '../../knative/resources/traffic-policy.ts';
import type { ArmStamp } from '../lib/arm-stamp.ts';

/**
 * Effective traffic of all policies, between policies and any gateway's own language.
 * Everything is in a fixed order, so equal traffic gives equal bytes.
 */
export interface TrafficForm {
  /** By port, rising. */
  readonly listeners: readonly ListenerForm[];
  /** By name. */
  readonly clusters: readonly ClusterForm[];
}

/** One port that takes requests. */
export interface ListenerForm {
  readonly port: number;
  /** By name; no two have the same domain. */
  readonly hosts: readonly VirtualHostForm[];
}

/** One policy's routes. */
export interface VirtualHostForm {
  /** `<namespace>/<policy>`. */
  readonly name: string;
  /** Host name of requests, without a port; `*` takes every other. */
  readonly domain: string;
  /** The first that matches decides. */
  readonly routes: readonly RouteForm[];
}

/** One rule. */
export interface RouteForm {
  readonly name: string;
  /** Any of them; empty takes every request. */
  readonly matches: readonly RequestMatch[];
  /** Only those with a weight above 0; none at all means that nobody can answer. */
  readonly destinations: readonly DestinationForm[];
  /** Milliseconds for the whole response; absent means no limit. */
  readonly timeoutMs?: number;
}

/** One version's part of a route. */
export interface DestinationForm {
  readonly cluster: string;
  /** From 1; the weights of a route have no common divisor and sum to less than 2^31. */
  readonly weight: number;
  readonly stamp: ArmStamp;
  readonly fault?: FaultForm;
}

/** A fault with its units resolved; percentages are 0 to 100. */
export interface FaultForm {
  readonly delay?: { readonly ms: number; readonly percent: number };
  readonly abort?: { readonly status: number; readonly percent: number };
}

/** The servers of one version: by address, or the pods of the host's Service that have all of the labels. */
export interface ClusterForm {
  /** `<namespace>/<policy>/<version>`. */
  readonly name: string;
  /** Only a target without a mesh knows what to do with them. */
  readonly endpoints?: readonly { readonly address: string; readonly port: number }[];
  /** Only a mesh knows what to do with them. */
  readonly labels?: Readonly<Record<string, string>>;
}
