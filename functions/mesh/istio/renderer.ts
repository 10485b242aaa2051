import type { RequestMatch, TextMatch } from '../../../knative/resources/traffic-policy.ts';
import { armHeader, formatArmStamp } from '../../lib/arm-stamp.ts';
import { seconds } from '../envoy/fault-filter.ts';
import type { Json } from '../envoy/resources.ts';
import type { DestinationForm, RouteForm, TrafficForm } from '../traffic-form.ts';
import { faultHeader, faultMark, renderFaults } from './faults.ts';
import { destinationRule, virtualService, type PolicyObjects } from './objects.ts';
import { serviceHost } from './service-host.ts';

/** One policy's part of the form. */
interface Part {
  readonly namespace: string;
  readonly policy: string;
  /** The Service's full name. */
  readonly host: string;
  readonly port: number;
  readonly hasFault: boolean;
}

/**
 * The form in Istio's API, by the policy's key. Pure: equal forms give equal objects. Policies whose host is no Service of
 * their namespace are left out; `istioPlace` says so.
 */
export function renderIstio(
  { listeners, clusters }: TrafficForm,
  clusterDomain?: string,
): ReadonlyMap<string, PolicyObjects> {
  const rendered = new Map<string, PolicyObjects>();
  for (const { port, hosts } of listeners) {
    for (const { name, domain, routes } of hosts) {
      const [namespace = '', policy = ''] = name.split('/');
      const service = serviceHost(domain, namespace, clusterDomain);
      if (service === undefined) continue;
      const destinations = routes.flatMap((route) => route.destinations);
      const hasFault = destinations.some(({ fault }) => fault !== undefined);
      const part: Part = { namespace, policy, host: service.host, port, hasFault };
      const versions = clusters
        .filter((cluster) => cluster.name.startsWith(`${name}/`))
        .map(({ name: cluster, labels = {} }) => ({ name: versionOf(cluster), labels }));
      const faults = versions.flatMap((version) => {
        const own = destinations.filter(({ cluster }) => versionOf(cluster) === version.name);
        return renderFaults(part, version, own);
      });
      rendered.set(name, {
        virtualService: renderRoutes(part, routes),
        destinationRule: renderVersions(part, versions),
        faults,
      });
    }
  }
  return rendered;
}

function versionOf(cluster: string): string {
  return cluster.slice(cluster.lastIndexOf('/') + 1);
}

function renderVersions(
  { namespace, policy, host }: Part,
  versions: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[],
): PolicyObjects['destinationRule'] {
  const subsets = versions.map(({ name, labels }) => ({ name, labels: { ...labels } }));
  return { kind: destinationRule, namespace, name: policy, spec: { host, subsets } };
}

function renderRoutes(part: Part, routes: readonly RouteForm[]): PolicyObjects['virtualService'] {
  const { namespace, policy, host } = part;
  const http = routes.map((route) => renderRoute(part, route));
  return { kind: virtualService, namespace, name: policy, spec: { hosts: [host], http } };
}

function renderRoute(part: Part, { name, matches, destinations, timeoutMs }: RouteForm): Json {
  const some = matches.length === 0 ? [{}] : matches;
  const match = some.map((each) => renderMatch(each, part.port));
  if (destinations.length === 0) return { name, match, directResponse: { status: 503 } };
  return {
    name,
    match,
    route: destinations.map((destination) => renderDestination(part, destination)),
    // Left out, Istio tries twice more: a version that refuses connections would look well.
    retries: { attempts: 0 },
    ...(timeoutMs !== undefined && { timeout: seconds(timeoutMs) }),
  };
}

function renderDestination({ host, port, hasFault }: Part, destination: DestinationForm): Json {
  const { cluster, weight, stamp, fault } = destination;
  const arm = { [armHeader]: formatArmStamp(stamp) };
  return {
    destination: { host, subset: versionOf(cluster), port: { number: port } },
    weight,
    headers: {
      // A stamp that a client or a server made up is never believed.
      request: {
        set: { ...arm, ...(fault && { [faultHeader]: faultMark(fault) }) },
        ...(hasFault && fault === undefined && { remove: [faultHeader] }),
      },
      response: { set: arm },
    },
  };
}

/** The port stands in each: other ports of the Service are not the policy's. */
function renderMatch({ path, method, headers }: Partial<RequestMatch>, port: number): Json {
  return {
    port,
    ...(path && { uri: renderText(path) }),
    ...(method !== undefined && { method: { exact: method } }),
    ...(headers && {
      headers: Object.fromEntries(headers.map(({ name, value }) => [name, renderText(value)])),
    }),
  };
}

function renderText(text: TextMatch): Record<string, Json> {
  if (text.exact !== undefined) return { exact: text.exact };
  if (text.prefix !== undefined) return { prefix: text.prefix };
  return { regex: text.regex ?? '' };
}
