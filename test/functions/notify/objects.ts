import type {
  ExperimentRun,
  ExperimentRunStatus,
} from '../../../knative/resources/experiment-run.ts';
import { experimentSpec, type Experiment } from '../../../knative/resources/experiment.ts';
import type { Condition } from '../../../knative/resources/meta.ts';
import {
  trafficPolicySpec,
  type TrafficPolicy,
} from '../../../knative/resources/traffic-policy.ts';

const metadata = (name: string) => ({
  name,
  namespace: 'default',
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2027-01-01T00:00:00Z',
});

const plan = (drill: boolean) =>
  experimentSpec.parse({
    targetRef: { name: 'proxy' },
    control: 'v1',
    variant: 'v2',
    ...(drill ? { drill: { fault: { abort: { status: 503 } }, expect: 'FAIL' } } : {}),
  });

/** A run of the experiment `exp` with this status. */
export function run(status: ExperimentRunStatus, drill = false): ExperimentRun {
  return {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'ExperimentRun',
    metadata: metadata('exp-1'),
    spec: {
      experiment: { name: 'exp', uid: 'uid-of-exp', generation: 1 },
      plan: plan(drill),
    },
    status,
  };
}

/** The experiment `exp` with these conditions. */
export function experiment(conditions: readonly Condition[]): Experiment {
  return {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Experiment',
    metadata: metadata('exp'),
    spec: plan(false),
    status: { conditions },
  };
}

/** A spec that is valid. */
export const policySpec = trafficPolicySpec.parse({
  target: { host: '*', port: 80 },
  versions: [{ name: 'v1', endpoints: [{ address: '198.18.0.1', port: 80 }] }],
  rules: [{ split: [{ version: 'v1', weight: 1 }] }],
});

/** The policy `proxy` with these conditions. */
export function policy(conditions: readonly Condition[]): TrafficPolicy {
  return {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'TrafficPolicy',
    metadata: metadata('proxy'),
    spec: policySpec,
    status: { conditions },
  };
}
