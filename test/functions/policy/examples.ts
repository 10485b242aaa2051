import type {
  ExperimentRun,
  ExperimentRunStatus,
  RunIntent,
} from '../../../knative/resources/experiment-run.ts';
import { experimentSpec } from '../../../knative/resources/experiment.ts';
import { apiVersion, type ObjectMeta } from '../../../knative/resources/meta.ts';
import {
  trafficPolicySpec,
  type TrafficPolicy,
  type TrafficPolicySpec,
} from '../../../knative/resources/traffic-policy.ts';
import { resourceEvent } from '../../../functions/host/resource-events.ts';

/** Seconds after a fixed instant, as a creation time. */
export function createdAfter(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
}

/** A policy with versions v1, v2, v3 and everything on v1, unless said otherwise. */
export function policyOf(
  spec: Partial<TrafficPolicySpec> = {},
  metadata: Partial<ObjectMeta> = {},
): TrafficPolicy {
  return {
    apiVersion,
    kind: 'TrafficPolicy',
    metadata: metadataOf({ name: 'proxy', ...metadata }),
    spec: trafficPolicySpec.parse({
      target: { host: '*', port: 8080 },
      versions: ['v1', 'v2', 'v3'].map((name, index) => ({
        name,
        endpoints: [{ address: `198.18.0.${index + 1}`, port: 80 }],
      })),
      rules: [{ split: [{ version: 'v1', weight: 100 }] }],
      ...spec,
    }),
    status: {},
  };
}

/** A run of v2 against v1 on the policy `proxy`, unless said otherwise. */
export function runOf(
  status: ExperimentRunStatus,
  metadata: Partial<ObjectMeta> = {},
  plan: { readonly control?: string; readonly variant?: string; readonly target?: string } = {},
): ExperimentRun {
  const { control = 'v1', variant = 'v2', target = 'proxy' } = plan;
  return {
    apiVersion,
    kind: 'ExperimentRun',
    metadata: metadataOf({ name: 'try-1', creationTimestamp: createdAfter(10), ...metadata }),
    spec: {
      experiment: { name: 'try', uid: 'e', generation: 1 },
      plan: experimentSpec.parse({ targetRef: { name: target }, control, variant }),
    },
    status,
  };
}

/** An intent. */
export function intentOf(variantWeight: number, epoch = 1): RunIntent {
  return { epoch, variantWeight, at: createdAfter(epoch) };
}

function metadataOf(metadata: Partial<ObjectMeta> & { readonly name: string }): ObjectMeta {
  return {
    namespace: 'shop',
    uid: `uid-${metadata.name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: createdAfter(0),
    ...metadata,
  };
}

/** What tells the function that a policy has changed. */
export const updatedEvent = resourceEvent({
  type: 'MODIFIED',
  object: { kind: 'TrafficPolicy', ...policyOf().metadata },
});

/** What tells the function that the run `try-1` has changed. */
export const runEvent = resourceEvent({
  type: 'MODIFIED',
  object: { kind: 'ExperimentRun', ...metadataOf({ name: 'try-1' }) },
});
