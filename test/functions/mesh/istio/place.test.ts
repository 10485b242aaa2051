import test from 'ava';
import { istioPlace } from '../../../../functions/mesh/istio/place.ts';
import type { TrafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { policyOf } from '../../policy/examples.ts';
import { meshPolicy } from './examples.ts';

const version = (name: string, labels: Record<string, string>) => ({ name, labels });

const at = (spec: Partial<TrafficPolicySpec>, clusterDomain?: string): string => {
  const place = istioPlace(meshPolicy(spec), clusterDomain);
  return 'key' in place ? place.key : place.problem;
};

for (const host of ['proxy', 'proxy.shop', 'proxy.shop.svc', 'proxy.shop.svc.cluster.local']) {
  test(`the host ${host} is the Service of the namespace, on any port`, (t) => {
    t.is(at({ target: { host, port: 8080 } }), 'proxy.shop.svc.cluster.local');
    t.is(at({ target: { host, port: 9090 } }), 'proxy.shop.svc.cluster.local');
  });
}

for (const host of [
  '*',
  '*.shop',
  'proxy.other',
  'shop.example',
  'proxy.shop.pod',
  'a.shop.svc.b',
]) {
  test(`the host ${host} is no Service of the namespace`, (t) => {
    t.regex(at({ target: { host, port: 8080 } }), /^spec\.target\.host ".+" is no Service of/);
  });
}

test('the end of full names is that of the cluster', (t) => {
  const target = { host: 'proxy.shop.svc.corp.example', port: 80 };
  t.is(at({ target }, 'corp.example'), 'proxy.shop.svc.corp.example');
});

test('endpoints are told to be labels here', (t) => {
  const place = istioPlace(policyOf({ target: { host: 'proxy', port: 80 } }));
  t.like(place, {
    problem:
      'spec.versions[0] ("v1") has endpoints, which Istio cannot be given: give it the labels of its pods',
  });
});

test('versions that may share a pod are refused: each would have the requests of both', (t) => {
  const shared = [version('v1', { app: 'proxy' }), version('v2', { app: 'proxy', version: 'v2' })];
  t.regex(at({ versions: shared }), /^spec\.versions\[1\] \("v2"\) and "v1" may share pods/);
  const apart = [version('v1', { version: 'v1' }), version('v2', { version: 'v2', app: 'x' })];
  t.is(at({ versions: apart }), 'proxy.shop.svc.cluster.local');
});

test('one header twice in a match is refused: Istio would keep the last', (t) => {
  const headers = ['a', 'b'].map((prefix) => ({ name: 'x-user', value: { prefix } }));
  const rules = [{ match: [{ headers }], split: [{ version: 'v1', weight: 1 }] }];
  t.regex(at({ rules }), /^spec\.rules\[0\]\.match\[0\]\.headers has "x-user" twice/);
});
