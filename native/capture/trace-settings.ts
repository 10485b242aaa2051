import type { Destination } from '../../knative/resources/egress.ts';
import type { TapProtocol } from '../../knative/resources/tap.ts';

/** Which requests of a pod become spans: OpenTelemetry's TraceIdRatioBased sampler. */
export interface Sampling {
  /** Share of the traces, 0 to 1. Default 1. */
  readonly ratio?: number;
  /** Requests whose caller has decided follow that (ParentBased). Default: no. */
  readonly parent?: boolean;
}

/** What a port of a pod's servers is said to speak. */
export interface PortHint {
  /** Of TCP. */
  readonly port: number;
  readonly protocol: TapProtocol | 'tls';
}

/** What is read of a pod, and what its spans say; changed at any time by another `Capture.attach`. */
export interface TraceSettings extends Sampling {
  /** Default: all. Of others the bytes are skipped as `not_selected`. */
  readonly protocols?: readonly TapProtocol[];
  /** Where connections have to go to that the pod opens, if any do. Default: anywhere. Of others the bytes are skipped as `not_selected`. */
  readonly egress?: readonly Destination[];
  /**
   * Header fields of HTTP that become attributes (of gRPC: metadata), by their names in lower case. Of those that carry credentials the
   * value is `REDACTED`. Default: none.
   */
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
  /** Parameters of queries whose values are told. Default: none, each is `REDACTED`. */
  readonly queryValues?: readonly string[];
  /** Names in lower case of further headers whose values are `REDACTED`; `*` stands for any characters. Default: none. */
  readonly redactedHeaders?: readonly string[];
  /** A record of each request, whatever becomes of its span. Default: no. */
  readonly accessLog?: boolean;
  /** They count where bytes alone do not tell the protocol. What they contradict is counted. Default: none. */
  readonly hints?: readonly PortHint[];
}
