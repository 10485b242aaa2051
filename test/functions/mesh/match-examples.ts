import type { TrafficPolicySpec } from '../../../knative/resources/traffic-policy.ts';

type Rules = TrafficPolicySpec['rules'];

const to = (version: string): Rules[number]['split'] => [{ version, weight: 1 }];

/** Rules with a match of each kind. */
export const matchRules: Rules = [
  { match: [{ path: { regex: '/a[0-9]+' } }, { path: { exact: '/b' } }], split: to('v2') },
  { match: [{ headers: [{ name: 'x-user', value: { prefix: 'beta' } }] }], split: to('v2') },
  { match: [{ method: 'POST' }], split: to('v2') },
  { split: to('v1') },
];

/** What is asked, with which headers, and which version answers by these rules. */
export const matchCases: readonly (readonly [string, Record<string, string>, string])[] = [
  ['/a12?q=1', {}, 'v2'],
  ['/a12/c', {}, 'v1'],
  ['/b', {}, 'v2'],
  ['/bb', {}, 'v1'],
  ['/', { 'x-user': 'beta-7' }, 'v2'],
  ['/', { 'x-user': 'not-beta' }, 'v1'],
];
