import test from 'ava';
import { evidenceReport, resourceReference, tick } from '../../knative/events.ts';

const cell = {
  splitter: 'sdc/gateway',
  run: 'shift-1',
  epoch: 1,
  arm: 'variant',
  block: 1_700_000_000,
  sequence: 3,
  started: 2,
  done: 1,
  errors: 0,
  stuck: 0,
  sumLog: -6.2,
  sumLogSq: 38.4,
  histogram: [[314, 1]],
};
const report = {
  sequence: 1,
  watermarkMs: 1_700_000_000_500,
  openTimeoutMs: 10_000,
  cells: [cell],
};

test('a report of evidence is taken as it is', (t) => {
  t.deepEqual(evidenceReport.parse(report), report);
});

test('a report says whether its agent rests, and one of an older agent does not', (t) => {
  t.deepEqual(evidenceReport.parse({ ...report, resting: true }), { ...report, resting: true });
  t.is(evidenceReport.parse(report).resting, undefined);
  t.false(evidenceReport.safeParse({ ...report, resting: 1 }).success);
});

test('what a newer agent adds to a report is overlooked', (t) => {
  const newer = { ...report, added: 1, cells: [{ ...cell, added: { of: 'any kind' } }] };
  t.deepEqual(evidenceReport.parse(newer), report);
});

test('a report with a negative count or half a number is refused', (t) => {
  const broken = [
    { ...report, cells: [{ ...cell, started: -1 }] },
    { ...report, cells: [{ ...cell, done: 0.5 }] },
    { ...report, cells: [{ ...cell, sumLog: Number.NaN }] },
    { ...report, cells: [{ ...cell, histogram: [[314, 0]] }] },
    { ...report, sequence: 0 },
  ];
  for (const value of broken) {
    t.false(evidenceReport.safeParse(value).success, JSON.stringify(value));
  }
});

test('ticks and references take nothing beside their fields', (t) => {
  const at = { schedule: 'evaluate-look', at: 1_700_000_000_000 };
  const reference = {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Tap',
    namespace: 'default',
    name: 'all',
    uid: 'u',
    resourceVersion: '7',
  };
  t.true(tick.safeParse(at).success);
  t.true(resourceReference.safeParse(reference).success);
  t.false(tick.safeParse({ ...at, extra: 1 }).success);
  t.false(resourceReference.safeParse({ ...reference, spec: {} }).success);
});

test('of a whole object, as ApiServerSource sends it, the reference is taken, and what lacks in it is named', (t) => {
  const metadata = { namespace: 'default', name: 'all', uid: 'u', resourceVersion: '7' };
  const object = {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Tap',
    metadata: { ...metadata, generation: 1, managedFields: [] },
    spec: { ports: [80] },
  };
  const { apiVersion, kind } = object;
  t.deepEqual(resourceReference.parse(object), { apiVersion, kind, ...metadata });
  const refused = resourceReference.safeParse({ ...object, metadata: { name: 'all' } });
  t.deepEqual(
    refused.error?.issues.map(({ path }) => path.join('.')),
    ['namespace', 'uid', 'resourceVersion'],
  );
});
