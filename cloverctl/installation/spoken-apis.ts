/** An API of others that Clover speaks. */
export interface SpokenApi {
  /** What serves it. */
  readonly servedBy: string;
  /** The part of a cluster that it belongs to. */
  readonly part: 'istio' | 'knative';
}

/** By version, as an API server names it: `networking.istio.io/v1`. */
export const spokenApis: ReadonlyMap<string, SpokenApi> = new Map([
  ['eventing.knative.dev/v1', { servedBy: 'a newer Knative Eventing', part: 'knative' }],
  ['networking.istio.io/v1', { servedBy: 'Istio 1.22 or newer', part: 'istio' }],
  ['serving.knative.dev/v1', { servedBy: 'a newer Knative Serving', part: 'knative' }],
  ['sources.knative.dev/v1', { servedBy: 'a newer Knative Eventing', part: 'knative' }],
]);
