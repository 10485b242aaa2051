import test from 'ava';
import fc from 'fast-check';
import { bucketQuantile, redRows } from '../../../functions/analytics/questions.ts';

const msOf = (bucket: number): number => 2 ** ((bucket + 0.5) / 16) / 1e6;
const bucketOf = (ns: number): number => Math.floor(Math.log2(ns) * 16);

test('a quantile of buckets is within 2.3 % of the exact one', (t) => {
  const durations = fc.array(fc.integer({ min: 100, max: 10_000_000_000 }), { minLength: 1 });
  const q = fc.constantFrom(0.5, 0.95, 0.99, 1);
  fc.assert(
    fc.property(durations, q, (list, at) => {
      const sorted = list.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(at * sorted.length) - 1] ?? 0;
      const buckets = sorted.map((ns) => ({ bucket: bucketOf(ns), requests: 1 }));
      t.true(Math.abs(bucketQuantile(buckets, at) / exact - 1) < 0.023);
    }),
  );
});

test('buckets fold into one row per service, version and kind', (t) => {
  const base = { service: 's', version: 'v1', kind: 'Server' };
  const rows = redRows([
    { ...base, bucket: 320, requests: 3, errors: 0 },
    { ...base, bucket: 400, requests: 1, errors: 1 },
    { ...base, version: 'v2', bucket: 320, requests: 2, errors: 0 },
  ]);
  t.deepEqual(
    rows.map(({ version, requests, errors }) => [version, requests, errors]),
    [
      ['v1', 4, 1],
      ['v2', 2, 0],
    ],
  );
  t.is(rows[0]?.p50.toFixed(6), (2 ** (320.5 / 16) / 1e6).toFixed(6));
  t.is(rows[0]?.p99.toFixed(6), (2 ** (400.5 / 16) / 1e6).toFixed(6));
});

test('rows of whole services have the quantiles of all their versions together', (t) => {
  const base = { service: 's', kind: 'Server', errors: 1 };
  const rows = redRows(
    [
      { ...base, version: 'v1', bucket: 400, requests: 9 },
      { ...base, version: 'v2', bucket: 320, requests: 91 },
      { ...base, version: 'v2', kind: 'Client', bucket: 320, requests: 1 },
    ],
    'service',
  );
  t.is(rows.length, 2);
  t.like(rows[0], { service: 's', version: '', kind: 'Server', requests: 100, errors: 2 });
  t.is(rows[0]?.p50.toFixed(6), msOf(320).toFixed(6));
  t.is(rows[0]?.p95.toFixed(6), msOf(400).toFixed(6));
  t.like(rows[1], { kind: 'Client', requests: 1 });
});

test('no buckets are no rows', (t) => {
  t.deepEqual(redRows([]), []);
});
