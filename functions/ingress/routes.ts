import type { RequestMatch } from '../../knative/resources/traffic-policy.ts';
import type {
  GatewayDestination,
  GatewayHost,
  GatewayRoute,
  HeadersForm,
} from '../mesh/envoy/gateway-form.ts';
import { clusterName } from './backend.ts';
import type { IngressPath, IngressSplit } from './ingress-object.ts';

/** Headers of a probe in Knative's data plane contract. */
export const probeHeaders = { 'k-network-hash': 'override', 'k-network-probe': 'probe' } as const;

/** Header of the answer to a probe. */
export const hashHeader = 'k-network-hash';

/** Host name by which Envoy itself answers 200: whether it takes requests at all. */
export const healthHost = 'health.clover-ingress.internal';

/** The virtual host of {@link healthHost}. */
export const health: GatewayHost = {
  name: 'health',
  domain: healthHost,
  routes: [{ name: 'health', matches: [], destinations: [], answer: { status: 200, headers: {} } }],
};

/** Sends clients to https, whatever they ask for. */
export const redirect: GatewayRoute = {
  name: 'redirect',
  matches: [],
  destinations: [],
  answer: { redirect: 'https' },
};

/**
 * Says which wish is in place. Envoy answers, not a backend as in other network layers: one that is down would say nothing of
 * the routes.
 */
export function probeRoute(hash: string): GatewayRoute {
  return {
    name: 'probe',
    matches: [{ headers: exactly(probeHeaders) }],
    destinations: [],
    answer: { status: 200, headers: { [hashHeader]: hash } },
  };
}

/** The route of a path: its prefix and its headers together. */
export function routeOf(path: IngressPath): GatewayRoute {
  const { rewriteHost, appendHeaders } = path;
  const wanted = Object.entries(path.headers ?? {}).map(([name, { exact }]): [string, string] => [
    name,
    exact,
  ]);
  const headers = exactly(Object.fromEntries(wanted));
  const match: RequestMatch = {
    ...(path.path !== '' && { path: { prefix: path.path } }),
    ...(headers.length > 0 && { headers }),
  };
  return {
    name: path.path || '/',
    matches: Object.keys(match).length === 0 ? [] : [match],
    destinations: destinationsOf(splitsOf(path)),
    ...(rewriteHost !== '' && { rewriteHost }),
    ...(appendHeaders && { requestHeaders: byName(appendHeaders) }),
  };
}

/** The splits that get requests; a lone one without a percentage gets all. */
export function splitsOf({ splits }: IngressPath): IngressSplit[] {
  const [first, ...others] = splits ?? [];
  if (first === undefined) return [];
  if (others.length === 0 && first.percent === 0) return [{ ...first, percent: 100 }];
  return [first, ...others].filter(({ percent }) => percent > 0);
}

function destinationsOf(splits: readonly IngressSplit[]): GatewayDestination[] {
  const divisor = splits.map(({ percent }) => percent).reduce(greatestCommonDivisor, 0);
  return splits.map((split) => {
    const headers = byName(split.appendHeaders ?? {});
    const part = { cluster: clusterName(split), weight: split.percent / divisor };
    return Object.keys(headers).length === 0
      ? part
      : Object.assign(part, { requestHeaders: headers });
  });
}

function exactly(headers: HeadersForm): NonNullable<RequestMatch['headers']> {
  return Object.entries(byName(headers)).map(([name, exact]) => ({ name, value: { exact } }));
}

/** In lower case, as HTTP/2 wants it. */
function byName(headers: HeadersForm): HeadersForm {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value,
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}
