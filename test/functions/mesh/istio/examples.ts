import type { ObjectMeta } from '../../../../knative/resources/meta.ts';
import type {
  TrafficPolicy,
  TrafficPolicySpec,
} from '../../../../knative/resources/traffic-policy.ts';
import { policyOf } from '../../policy/examples.ts';

/** A policy for the Service `proxy` with versions v1, v2, v3 by their pods' labels and everything on v1, unless said otherwise. */
export function meshPolicy(
  spec: Partial<TrafficPolicySpec> = {},
  metadata: Partial<ObjectMeta> = {},
): TrafficPolicy {
  const versions = ['v1', 'v2', 'v3'].map((name) => ({
    name,
    labels: { app: 'proxy', version: name },
  }));
  return policyOf({ target: { host: 'proxy', port: 8080 }, versions, ...spec }, metadata);
}
