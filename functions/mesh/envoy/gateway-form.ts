import type { ArmStamp } from '../../lib/arm-stamp.ts';
import type {
  ClusterForm,
  DestinationForm,
  ListenerForm,
  RouteForm,
  VirtualHostForm,
} from '../traffic-form.ts';

/**
 * What one Envoy can be told: a form of the traffic, and what no policy says. Every `TrafficForm` is one.
 * Everything is in a fixed order, so equal traffic gives equal bytes.
 */
export interface GatewayForm {
  /** By port, rising. */
  readonly listeners: readonly GatewayListener[];
  /** By name. */
  readonly clusters: readonly GatewayCluster[];
}

/** One port that takes requests. */
export interface GatewayListener extends Omit<ListenerForm, 'hosts'> {
  /** By name; no two have the same domain. */
  readonly hosts: readonly GatewayHost[];
  /**
   * Takes HTTP/2 without TLS and WebSockets beside HTTP/1.1, and lets a request be silent for as long as its two ends wish.
   * Absent: HTTP/1.1 alone.
   */
  readonly http2?: true;
}

/** Host names with the same routes. */
export interface GatewayHost extends Omit<VirtualHostForm, 'routes'> {
  /** More host names. */
  readonly aliases?: readonly string[];
  /** The first that matches decides. */
  readonly routes: readonly GatewayRoute[];
}

/** One rule. */
export interface GatewayRoute extends Omit<RouteForm, 'destinations'> {
  readonly destinations: readonly GatewayDestination[];
  /** In place of destinations. */
  readonly answer?: AnswerForm;
  /** The host name that destinations are asked for. Absent: the one of the request. */
  readonly rewriteHost?: string;
  readonly requestHeaders?: HeadersForm;
}

/** Headers that are set, by name and in the order of the names, whatever stood there before. */
export type HeadersForm = Readonly<Record<string, string>>;

/** What Envoy says by itself: a status, or 301 to the same place by https. */
export type AnswerForm =
  | { readonly status: number; readonly headers: HeadersForm }
  | { readonly redirect: 'https' };

/** One part of a route. */
export interface GatewayDestination extends Omit<DestinationForm, 'stamp'> {
  /** Absent: nobody sees a stamp of this gateway. */
  readonly stamp?: ArmStamp;
  readonly requestHeaders?: HeadersForm;
}

/** Servers that do the same. */
export interface GatewayCluster extends ClusterForm {
  /** The addresses are host names. */
  readonly dns?: true;
  /** They are asked by HTTP/2 without TLS. Absent: HTTP/1.1. */
  readonly http2?: true;
}
