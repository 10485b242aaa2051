import test from 'ava';
import { withLeaving } from '../../../../functions/mesh/istio/leaving.ts';
import {
  destinationRule,
  envoyFilter,
  virtualService,
  type IstioObject,
} from '../../../../functions/mesh/istio/objects.ts';

const place = { namespace: 'shop', name: 'proxy' };
const subsets = (...names: readonly string[]): IstioObject['spec'] => ({
  host: 'proxy',
  subsets: names.map((name) => ({ name })),
});
const faults = (...names: readonly string[]): IstioObject['spec'] => ({
  configPatches: names.map((name) => ({ patch: { value: { name } } })),
});

test('subsets and faults of before stay in front of those that are wanted', (t) => {
  const rule: IstioObject = { kind: destinationRule, ...place, spec: subsets('v2', 'v3') };
  t.deepEqual(withLeaving(rule, subsets('v1', 'v2')).spec, subsets('v1', 'v2', 'v3'));
  const filter: IstioObject = { kind: envoyFilter, ...place, spec: faults('end') };
  t.deepEqual(withLeaving(filter, faults('a', 'end')).spec, faults('a', 'end'));
});

test('what is the same stays the same, and of what is no list nothing is kept', (t) => {
  const rule: IstioObject = { kind: destinationRule, ...place, spec: subsets('v1') };
  t.deepEqual(withLeaving(rule, subsets('v1')), rule);
  for (const strange of [{}, { subsets: 'v1' }, { subsets: [7, { labels: {} }] }]) {
    t.deepEqual(withLeaving(rule, strange), rule);
  }
});

test('routes are never kept: they alone decide', (t) => {
  const routes: IstioObject = { kind: virtualService, ...place, spec: { hosts: ['proxy'] } };
  t.is(withLeaving(routes, { hosts: ['other'] }), routes);
});
