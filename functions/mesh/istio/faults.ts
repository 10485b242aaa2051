import { canonicalJson, sha256 } from '../../lib/canonical-json.ts';
import { renderFault } from '../envoy/fault-filter.ts';
import type { Json } from '../envoy/resources.ts';
import type { DestinationForm, FaultForm } from '../traffic-form.ts';
import { envoyFilter, type IstioObject } from './objects.ts';

/**
 * Header by which a route asks the pods that it sends a request to for a fault. Routes decide alone who feels one: a
 * filter without a route that asks for it does nothing.
 */
export const faultHeader = 'x-clover-fault';

/** What the header says: equal faults have equal marks. */
export function faultMark(fault: FaultForm): string {
  return sha256(canonicalJson(fault)).slice(0, 12);
}

/** Name of a version's object. A dot is in no name of a policy or version, so no two have the same. */
export function faultsName(policy: string, version: string): string {
  return `${policy}.${version}`;
}

/**
 * The faults that a version's own proxies make, on the side of the server. Not by a VirtualService: a fault there is the
 * caller's, before a version is chosen, and so would fall on both arms of a route.
 */
export function renderFaults(
  { namespace, policy }: { readonly namespace: string; readonly policy: string },
  version: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  destinations: readonly DestinationForm[],
): IstioObject[] {
  const faults = new Map(
    destinations.flatMap(({ fault }) => (fault === undefined ? [] : [[faultMark(fault), fault]])),
  );
  if (faults.size === 0) return [];
  const filters = [...faults]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([mark, fault]) => patchOf(`clover.fault.${mark}`, faultOn(mark, fault)));
  const spec = {
    workloadSelector: { labels: { ...version.labels } },
    configPatches: [...filters, forgetMark],
  };
  return [{ kind: envoyFilter, namespace, name: faultsName(policy, version.name), spec }];
}

function faultOn(mark: string, fault: FaultForm): Record<string, Json> {
  return {
    ...renderFault(fault),
    headers: [{ name: faultHeader, string_match: { exact: mark } }],
  };
}

function patchOf(name: string, config: Record<string, Json>): Json {
  return {
    applyTo: 'HTTP_FILTER',
    match: {
      context: 'SIDECAR_INBOUND',
      listener: {
        filterChain: {
          filter: {
            name: 'envoy.filters.network.http_connection_manager',
            subFilter: { name: 'envoy.filters.http.router' },
          },
        },
      },
    },
    patch: { operation: 'INSERT_BEFORE', value: { name, typed_config: config } },
  };
}

/** A network function that passes headers on must not pass the fault on. */
const forgetMark = patchOf('clover.faults.end', {
  '@type': 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
  mutations: { request_mutations: [{ remove: faultHeader }] },
});
