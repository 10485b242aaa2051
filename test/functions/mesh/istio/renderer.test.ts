import test from 'ava';
import fc from 'fast-check';
import { canonicalJson } from '../../../../functions/lib/canonical-json.ts';
import { faultMark } from '../../../../functions/mesh/istio/faults.ts';
import { renderIstio } from '../../../../functions/mesh/istio/renderer.ts';
import type { PolicyObjects } from '../../../../functions/mesh/istio/objects.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import type { ExperimentRun } from '../../../../knative/resources/experiment-run.ts';
import type { TrafficPolicy } from '../../../../knative/resources/traffic-policy.ts';
import { intentOf, runOf } from '../../policy/examples.ts';
import { meshPolicy } from './examples.ts';

function rendered(policy: TrafficPolicy, runs: readonly ExperimentRun[] = []): PolicyObjects {
  const objects = renderIstio(compile([policy], runs).form).get('shop/proxy');
  if (objects === undefined) throw new Error('not rendered');
  return objects;
}

const host = 'proxy.shop.svc.cluster.local';

test('a split is weighted routes to subsets, each with its stamp on request and response', (t) => {
  const run = runOf({ phase: 'Running', intent: intentOf(25, 3) });
  const { virtualService, destinationRule, faults } = rendered(meshPolicy(), [run]);
  const route = (subset: string, weight: number, stamp: string) => ({
    destination: { host, subset, port: { number: 8080 } },
    weight,
    headers: {
      request: { set: { 'x-clover-arm': stamp } },
      response: { set: { 'x-clover-arm': stamp } },
    },
  });
  t.deepEqual(virtualService.spec, {
    hosts: [host],
    http: [
      {
        name: 'rule-0',
        match: [{ port: 8080 }],
        route: [route('v1', 3, 'try-1.3.control'), route('v2', 1, 'try-1.3.variant')],
        retries: { attempts: 0 },
      },
    ],
  });
  t.deepEqual(destinationRule.spec, {
    host,
    subsets: ['v1', 'v2', 'v3'].map((name) => ({ name, labels: { app: 'proxy', version: name } })),
  });
  t.deepEqual(faults, []);
  t.deepEqual([virtualService.namespace, virtualService.name], ['shop', 'proxy']);
});

test('matches are any of their rule, and every one keeps to the port of the policy', (t) => {
  const { virtualService } = rendered(
    meshPolicy({
      rules: [
        {
          name: 'some',
          match: [
            { path: { prefix: '/a' }, method: 'GET' },
            { path: { regex: '/b[0-9]+' } },
            {
              headers: [
                { name: 'x-user', value: { exact: 'beta' } },
                { name: 'cookie', value: { regex: '.*a=b.*' } },
              ],
            },
          ],
          split: [{ version: 'v2', weight: 7 }],
          timeout: '250ms',
        },
      ],
    }),
  );
  t.like(virtualService.spec, {
    http: [
      {
        name: 'some',
        match: [
          { port: 8080, uri: { prefix: '/a' }, method: { exact: 'GET' } },
          { port: 8080, uri: { regex: '/b[0-9]+' } },
          { port: 8080, headers: { 'x-user': { exact: 'beta' }, cookie: { regex: '.*a=b.*' } } },
        ],
        timeout: '0.25s',
      },
    ],
  });
});

test('a fault is made by the pods of its version alone, when a route asks them for it', (t) => {
  const fault = { delay: { duration: '400ms', percent: 12.5 } };
  const run = runOf({ phase: 'Running', intent: { ...intentOf(50), fault } });
  const { virtualService, faults } = rendered(meshPolicy(), [run]);
  const mark = faultMark({ delay: { ms: 400, percent: 12.5 } });
  t.like(virtualService.spec, {
    http: [
      {
        route: [
          { headers: { request: { remove: ['x-clover-fault'] } } },
          { headers: { request: { set: { 'x-clover-fault': mark } } } },
        ],
      },
    ],
  });
  t.false(canonicalJson(virtualService.spec).includes('"fault"'));
  t.is(faults.length, 1);
  t.is(faults[0]?.name, 'proxy.v2');
  t.like(faults[0]?.spec, {
    workloadSelector: { labels: { app: 'proxy', version: 'v2' } },
    configPatches: [
      {
        applyTo: 'HTTP_FILTER',
        match: { context: 'SIDECAR_INBOUND' },
        patch: {
          operation: 'INSERT_BEFORE',
          value: {
            name: `clover.fault.${mark}`,
            typed_config: {
              delay: {
                fixed_delay: '0.4s',
                percentage: { numerator: 125_000, denominator: 'MILLION' },
              },
              headers: [{ name: 'x-clover-fault', string_match: { exact: mark } }],
            },
          },
        },
      },
      { patch: { value: { name: 'clover.faults.end' } } },
    ],
  });
});

const aborted = (status: number): TrafficPolicy['spec']['rules'][number]['split'] => [
  { version: 'v1', weight: 1, fault: { abort: { status, percent: 100 } } },
];

test('two rules with different faults for one version share an object, and each asks for its own', (t) => {
  const rules = [
    { match: [{ method: 'GET' as const }], split: aborted(500) },
    { split: aborted(418) },
  ];
  const { virtualService, faults } = rendered(meshPolicy({ rules }));
  const marks = [500, 418].map((status) => faultMark({ abort: { status, percent: 100 } }));
  t.like(virtualService.spec, {
    http: marks.map((mark) => ({
      route: [{ headers: { request: { set: { 'x-clover-fault': mark } } } }],
    })),
  });
  t.is(faults.length, 1);
  t.is([...canonicalJson(faults[0]?.spec).matchAll(/"name":"clover\.fault/g)].length, 3);
});

const share = fc.integer({ min: 0, max: 1_000_000 });

test('equal traffic gives equal bytes, and a roll-back those of before', (t) => {
  fc.assert(
    fc.property(share, fc.integer({ min: 1, max: 99 }), (parts, epoch) => {
      const policy = meshPolicy();
      const bytes = (runs: readonly ExperimentRun[]): string =>
        canonicalJson(Object.entries(rendered(policy, runs)));
      const during = runOf({ phase: 'Running', intent: intentOf(parts / 10_000, epoch) });
      const after = runOf({ phase: 'RolledBack', intent: intentOf(0, epoch + 1) });
      return (
        bytes([during]) === bytes([during]) &&
        bytes([during]) !== bytes([]) &&
        bytes([after]) === bytes([])
      );
    }),
  );
  t.pass();
});

const basis = (runs: readonly ExperimentRun[]): string | undefined =>
  compile([meshPolicy()], runs).policies[0]?.basis;

test('a change and its roll-back have equal routes, and different bases', (t) => {
  const before = runOf({ phase: 'Pending' });
  const after = runOf({ phase: 'RolledBack', intent: intentOf(0, 2) });
  const during = runOf({ phase: 'Running', intent: intentOf(50, 1) });
  t.is(new Set([basis([]), basis([before]), basis([during]), basis([after])]).size, 4);
  t.is(basis([during, after]), basis([after, during]));
});
