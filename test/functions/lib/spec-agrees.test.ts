import test from 'ava';
import { specAgrees } from '../../../functions/lib/spec-agrees.ts';
import type { ExperimentRun } from '../../../knative/resources/experiment-run.ts';
import { experimentSpec } from '../../../knative/resources/experiment.ts';
import { apiVersion, type ObjectMeta } from '../../../knative/resources/meta.ts';
import type { TrafficPolicy } from '../../../knative/resources/traffic-policy.ts';

const meta = (name: string, at: string): ObjectMeta => ({
  name,
  namespace: 'default',
  uid: name,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: `2026-01-01T00:00:${at}Z`,
});

const run: ExperimentRun = {
  apiVersion,
  kind: 'ExperimentRun',
  metadata: meta('run', '30'),
  spec: {
    experiment: { name: 'exp', uid: 'exp', generation: 1 },
    plan: experimentSpec.parse({ targetRef: { name: 'shop' }, control: 'v1', variant: 'v2' }),
  },
  status: {},
};

function policy(weights: Readonly<Record<string, number>>, at = '00'): TrafficPolicy {
  const names = Object.keys(weights);
  return {
    apiVersion,
    kind: 'TrafficPolicy',
    metadata: meta('shop', at),
    spec: {
      target: { host: '*', port: 80 },
      versions: names.map((name) => ({ name, endpoints: [{ address: '198.18.0.1', port: 80 }] })),
      rules: [{ split: names.map((version) => ({ version, weight: weights[version] ?? 0 })) }],
    },
    status: {},
  };
}

test('a spec that still sends requests to the control does not agree', (t) => {
  t.false(specAgrees(policy({ v1: 100, v2: 0 }), run));
  t.false(specAgrees(policy({ v1: 1, v2: 99 }), run));
});

test('a spec that gives the control nothing agrees', (t) => {
  t.true(specAgrees(policy({ v1: 0, v2: 100 }), run));
  t.true(specAgrees(policy({ v2: 100 }), run));
});

test('a spec that has lost the variant, or a policy made anew, leaves nothing to hold', (t) => {
  t.true(specAgrees(policy({ v1: 100 }), run));
  t.true(specAgrees(policy({ v1: 100, v2: 0 }, '31'), run));
});
