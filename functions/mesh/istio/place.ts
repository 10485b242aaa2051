import type { TrafficPolicy, TrafficVersion } from '../../../knative/resources/traffic-policy.ts';
import type { Place } from '../target.ts';
import { serviceHost } from './service-host.ts';

/**
 * The host that a policy's routes are for: Istio has one VirtualService a host, whatever the port. Or why not: above all
 * what Istio would take, and then send elsewhere than the policy says.
 */
export function istioPlace(policy: TrafficPolicy, clusterDomain?: string): Place {
  const { namespace } = policy.metadata;
  const { host } = policy.spec.target;
  const service = serviceHost(host, namespace, clusterDomain);
  if (service?.namespace !== namespace) {
    // Sidecars look for the subsets in their own namespace and in that of the Service.
    const problem = `spec.target.host "${host}" is no Service of the namespace ${namespace}: Istio needs one, such as "proxy" or "proxy.${namespace}"`;
    return { problem };
  }
  const problem = versionProblem(policy.spec.versions) ?? matchProblem(policy);
  return problem === undefined ? { key: service.host } : { problem };
}

function versionProblem(versions: readonly TrafficVersion[]): string | undefined {
  for (const [index, version] of versions.entries()) {
    const field = `spec.versions[${index}] ("${version.name}")`;
    if (version.labels === undefined) {
      return `${field} has endpoints, which Istio cannot be given: give it the labels of its pods`;
    }
    const other = versions.slice(0, index).find((earlier) => !areApart(earlier, version));
    if (other !== undefined) {
      return `${field} and "${other.name}" may share pods: give them one label with different values`;
    }
  }
  return undefined;
}

/** Whether no pod can be of both. */
function areApart(one: TrafficVersion, other: TrafficVersion): boolean {
  return Object.entries(one.labels ?? {}).some(([key, value]) => {
    const there = other.labels?.[key];
    return there !== undefined && there !== value;
  });
}

function matchProblem({ spec }: TrafficPolicy): string | undefined {
  for (const [index, { match = [] }] of spec.rules.entries()) {
    for (const [at, { headers = [] }] of match.entries()) {
      const names = headers.map(({ name }) => name);
      const twice = names.find((name, place) => names.indexOf(name) !== place);
      if (twice !== undefined) {
        return `spec.rules[${index}].match[${at}].headers has "${twice}" twice, which Istio cannot say: make one expression of the two`;
      }
    }
  }
  return undefined;
}
