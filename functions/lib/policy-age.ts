import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';

/** `<namespace>/<name>`. */
export function policyKey({ metadata }: TrafficPolicy): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Two policies with one key want the same traffic; only the older one gets it. */
export function targetKey({ spec }: TrafficPolicy): string {
  return `${spec.target.port} ${spec.target.host}`;
}

/** Oldest first: by creation, which Kubernetes tells in whole seconds, then by namespace and name. */
export function byPolicyAge(left: TrafficPolicy, right: TrafficPolicy): number {
  return (
    Date.parse(left.metadata.creationTimestamp) - Date.parse(right.metadata.creationTimestamp) ||
    (policyKey(left) < policyKey(right) ? -1 : 1)
  );
}

/** The policy that has the target which this one wants; undefined when it is this one's. */
export function targetHolder(
  policy: TrafficPolicy,
  policies: readonly TrafficPolicy[],
): TrafficPolicy | undefined {
  const own = policyKey(policy);
  return policies
    .filter((other) => policyKey(other) !== own && targetKey(other) === targetKey(policy))
    .filter((other) => byPolicyAge(other, policy) < 0)
    .toSorted(byPolicyAge)[0];
}
