import fc from 'fast-check';
import type { Kind } from '../../../knative/resources/kinds.ts';
import { brokenOnce, changedAt } from './documents.ts';

/** A document that an API server was asked about. */
export interface Asked {
  readonly kind: Kind;
  readonly document: unknown;
}

const head = (kind: Kind): object => ({
  apiVersion: 'clover.dev/v1alpha1',
  kind,
  metadata: { name: 'one', namespace: 'shop' },
});

const fault = { delay: { duration: '1s' } };
const step = { weight: 10 };

/** The least that a kind needs: everything else is a default. */
export const least: Readonly<Record<Kind, unknown>> = {
  Experiment: {
    ...head('Experiment'),
    spec: { targetRef: { name: 'proxy' }, control: 'v1', variant: 'v2' },
  },
  ExperimentRun: {
    ...head('ExperimentRun'),
    spec: {
      experiment: { name: 'one', uid: 'b1946ac9', generation: 1 },
      plan: { targetRef: { name: 'proxy' }, control: 'v1', variant: 'v2' },
    },
  },
  Tap: { ...head('Tap'), spec: {} },
  TrafficPolicy: {
    ...head('TrafficPolicy'),
    spec: {
      target: { host: 'shop.example', port: 80 },
      versions: [
        { name: 'v1', endpoints: [{ address: '198.18.0.1', port: 80 }] },
        { name: 'v2', endpoints: [{ address: '2001:db8::2', port: 80 }] },
      ],
      rules: [
        {
          name: 'a',
          match: [{ path: { prefix: '/a' } }],
          split: [{ version: 'v1', weight: 1, fault }],
        },
        { name: 'b', split: [{ version: 'v2', weight: 1 }] },
      ],
    },
  },
};

/** Path in the spec, and what stands there instead. */
type Edit = readonly [path: string, ...values: readonly unknown[]];

const edits: Readonly<Record<Kind, readonly Edit[]>> = {
  Experiment: [
    ['variant', 'v1', 'V2', '', null, 'x'.repeat(63), 'x'.repeat(64)],
    ['plan', [], null, [step], [step, { weight: 5 }], [step, step], [step, { weight: 10.5 }]],
    ['plan', [{ weight: 0.5 }], [{ weight: 99 }], [{ weight: '10' }], [{ ...step, hold: '0s' }]],
    ['metrics', [{ type: 'latency', floor: 0.1 }], [{ type: 'errors', floor: 0 }], [{}], [null]],
    [
      'metrics',
      [{ type: 'errors' }, { type: 'errors' }],
      [{ type: 'errors' }, { type: 'latency' }],
    ],
    ['metrics', [{ type: 'errors' }, { type: 'errors', role: 'guardrail' }], [{ type: 'loss' }]],
    [
      'metrics',
      [
        { type: 'errors', role: null },
        { type: 'errors', role: 'objective' },
      ],
    ],
    ['alpha', 0, 1e-6, 0.2, 0.21, '0.01', null],
    ['minSamples', 9, 10, 10.5, 10_000_000, 10_000_001, 1e21],
    ['warmUp', '0s', '8760h', '8761h', '525601m', '9999999999999h', '1d', '-1s', '٣s', 30],
    ['deadline', '0s', '0ms', '1ms', '1h30m'],
    ['watchAfter', {}, { margin: 1 }, { duration: null }, { margin: 11 }, 'x'],
    ['drill', { fault, expect: 'FAIL' }, { fault: {}, expect: 'FAIL' }, { fault, expect: 'PASS' }],
    ['drill', { fault: { delay: { duration: '0s' } }, expect: 'FAIL' }, { fault }, null],
    ['targetRef', {}, { name: 'p', kind: 'Service' }, { name: 'p', surprise: 1 }],
    ['surprise', 1, null],
  ],
  ExperimentRun: [
    [
      'experiment',
      { name: 'one', uid: '', generation: 1 },
      { name: 'one', uid: 'u', generation: 0 },
    ],
    ['plan', null, { targetRef: { name: 'p' }, control: 'v1', variant: 'v1' }],
  ],
  Tap: [
    ['ports', [], [80], [80, 80], [80, 81], [0], [65_535], [65_536], [80.5], ['80'], [null], null],
    [
      'ports',
      Array.from({ length: 64 }, (_, n) => n + 1),
      Array.from({ length: 65 }, (_, n) => n + 1),
    ],
    ['selector', {}, null, { matchLabels: null }, { matchLabels: { a: null } }, []],
    [
      'selector',
      { matchLabels: { a: '' } },
      { matchLabels: { a: '-' } },
      { matchLabels: { a: 1 } },
    ],
    ['selector', { matchLabels: { 'any key': 'x' } }, { matchExpressions: [] }],
    ['egress', ['10.0.0.5:5432'], ['10.0.0.0/8:1', '[2001:db8::5]:443:web'], []],
    ['egress', ['10.0.0.256:80'], ['[::ffff:10.0.0.5]:80'], ['[::1]:80', '[::1]:80'], ['db:80']],
  ],
  TrafficPolicy: [
    [
      'target',
      { host: '*', port: 1 },
      { host: 'A.b', port: 1 },
      { host: 'a.', port: 1 },
      { port: 1 },
    ],
    ['versions.1.name', 'v1', 'v3'],
    [
      'versions.1.endpoints',
      [],
      [
        { address: '1.2.3.4', port: 1 },
        { address: '1.2.3.4', port: 1 },
      ],
    ],
    [
      'versions.1.endpoints',
      [
        { address: '1.2.3.4', port: 1 },
        { address: '1.2.3.4', port: 2 },
      ],
    ],
    ...[
      '1.2.3.04',
      '::ffff:1.2.3.4',
      '0::ffff:102:304',
      '::1.2.3.4',
      'fe80::1%eth0',
      '1::',
      'a.b',
    ].map((address): Edit => ['versions.1.endpoints.0.address', address]),
    ['rules.1.name', 'a', 'c', null],
    ['rules.1.split', [], [{ version: 'v3', weight: 1 }], [{ version: 'v2', weight: 0 }]],
    [
      'rules.1.split',
      [
        { version: 'v1', weight: 0 },
        { version: 'v2', weight: 1 },
      ],
    ],
    [
      'rules.1.split',
      [
        { version: 'v2', weight: 1 },
        { version: 'v2', weight: 2 },
      ],
    ],
    ['rules.0.split.0.fault', {}, { abort: { status: 503 } }, { abort: { status: 99 } }, null],
    ['rules.0.split.0.fault', { ...fault, abort: { status: 503, percent: 0 } }, { delay: {} }],
    [
      'rules.0.match.0',
      {},
      { path: {} },
      { method: 'GET' },
      { method: 'get' },
      { headers: [] },
      null,
    ],
    [
      'rules.0.match.0.path',
      { exact: '/', prefix: '/' },
      { exact: '' },
      { exact: null, regex: '/' },
    ],
    ['rules.0.match.0.path', { regex: 'x'.repeat(1024) }, { regex: 'x'.repeat(1025) }],
    ['rules.0.match.0.path', { exact: '😀'.repeat(1024) }, { exact: '😀'.repeat(1025) }],
    [
      'rules.0.match.0.headers',
      [{ name: 'x-user', value: { exact: 'a' } }],
      [{ name: 'X', value: {} }],
    ],
    ['rules.0.timeout', '5s', '0s', ''],
  ],
};

const kindsWithEdits = ['Experiment', 'ExperimentRun', 'Tap', 'TrafficPolicy'] as const;

const metadataEdits: readonly object[] = [
  { name: 'x'.repeat(64) },
  { name: 'a.b' },
  { name: null },
  { namespace: 'A' },
  { labels: { a: null } },
  { labels: { a: 'x'.repeat(64) } },
  { labels: { 'a/b/c': '' } },
  { labels: { 'a.b/C_d.e-f': 'X_y.z-0' } },
  { labels: { ['x'.repeat(64)]: '' } },
  { labels: { [`${'x'.repeat(253)}/a`]: '' } },
  { labels: { a: 1 } },
  { annotations: { 'A.B/c': 'any text \u0000' } },
  { annotations: { 'a b': '' } },
  { surprise: 1 },
];

/** The documents of the recorded table: chosen ones, and a sample of broken ones. */
export function recordedDocuments(): Asked[] {
  const chosen = kindsWithEdits.flatMap((kind) => [
    { kind, document: least[kind] },
    ...edits[kind].flatMap(([path, ...values]) =>
      values.map((value) => ({
        kind,
        document: changedAt(least[kind], ['spec', ...path.split('.')], value),
      })),
    ),
  ]);
  const ofMetadata = metadataEdits.map((metadata) => ({
    kind: 'Tap' as const,
    document: {
      ...head('Tap'),
      metadata: { name: 'one', namespace: 'shop', ...metadata },
      spec: {},
    },
  }));
  const sampled = kindsWithEdits.flatMap((kind) =>
    fc
      .sample(brokenOnce(least[kind]), { numRuns: 15, seed: 4 })
      .map((document) => ({ kind, document })),
  );
  return [...chosen, ...ofMetadata, ...sampled];
}
