import test from 'ava';
import { z } from 'zod';
import { createClickHouseStore } from '../../../functions/analytics/clickhouse-store.ts';
import { analyticsSchema } from '../../../functions/analytics/schema.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { TestSpan } from '../../native/codec/otlp-encoder.ts';
import { blockOf, serverSpan } from './spans.ts';
import { log, startTestClickHouse } from './start.ts';

const clickhouse = await startTestClickHouse();
const store = createClickHouseStore({ ...clickhouse.server(), database: 'clover' }, { log });

test.before(() => store.migrate());

test.after.always(async () => {
  await store.close();
  await clickhouse.remove();
});

/** One hour per test, apart from all others, so that none sees another's spans. */
const hour = (slot: number): { from: number; to: number } => {
  const yesterday = Math.floor(Date.now() / 86_400_000 - 1) * 86_400_000;
  const from = yesterday + slot * 7_200_000;
  return { from, to: from + 3_600_000 };
};

const many = (count: number, startMs: number, more: Partial<TestSpan> = {}): TestSpan[] =>
  Array.from({ length: count }, (_, i) => serverSpan(startMs + i, more));

const slow = (startMs: number): TestSpan => ({
  ...serverSpan(startMs),
  end: BigInt(startMs) * 1_000_000n + 100_000_000n,
});

const stamp = (epoch: bigint, arm: string, kind = 2): Partial<TestSpan> => ({
  kind,
  attributes: [
    ['clover.run', 'run-1'],
    ['clover.epoch', epoch],
    ['clover.arm', arm],
  ],
});

const total = async (window: { from: number; to: number }): Promise<number> =>
  (await store.red(window)).reduce((sum, row) => sum + row.requests, 0);

test('the same batch twice, in one insert and in two, counts once', async (t) => {
  const window = hour(1);
  const block = blockOf(many(50, window.from));
  await store.insertSpans([block, block]);
  await store.insertSpans([block]);
  await store.insertSpans([block, block]);
  t.is(await total(window), 50);
});

test('spans that come again in other batches count once', async (t) => {
  const window = hour(2);
  const spans = many(90, window.from);
  await store.insertSpans([blockOf(spans.slice(0, 60))]);
  await store.insertSpans([blockOf(spans.slice(30)), blockOf(spans.slice(0, 10))]);
  await store.insertSpans([blockOf(spans.toReversed())]);
  t.is(await total(window), 90);
});

test('red counts requests and errors per service, version and kind', async (t) => {
  const window = hour(3);
  const failed: Partial<TestSpan> = { attributes: [['http.response.status_code', 500n]] };
  await store.insertSpans([
    blockOf([...many(96, window.from), ...many(2, window.from, failed)]),
    blockOf([slow(window.from + 500), slow(window.from + 501)]),
    blockOf(many(3, window.from, { kind: 3 })),
    blockOf(many(5, window.from), 'proxy', 'v2'),
    blockOf(many(7, window.to), 'proxy', 'v2'),
  ]);
  const rows = await store.red(window);
  t.deepEqual(
    rows.map(({ service, version, kind, requests, errors }) => [
      service,
      version,
      kind,
      requests,
      errors,
    ]),
    [
      ['proxy', 'v1', 'Client', 3, 0],
      ['proxy', 'v1', 'Server', 100, 2],
      ['proxy', 'v2', 'Server', 5, 0],
    ],
  );
  const server = rows[1];
  t.true(Math.abs((server?.p50 ?? 0) / 1 - 1) < 0.025);
  t.true(Math.abs((server?.p99 ?? 0) / 100 - 1) < 0.025);
});

test('storedArms counts server spans per stamp, and only stamped ones', async (t) => {
  const window = hour(4);
  const block = blockOf([
    ...many(4, window.from, stamp(1n, 'control')),
    ...many(3, window.from, stamp(1n, 'variant')),
    ...many(2, window.from, stamp(2n, 'variant')),
    ...many(8, window.from, stamp(2n, 'variant', 3)),
    ...many(9, window.from),
  ]);
  await store.insertSpans([block]);
  await store.insertSpans([block]);
  t.deepEqual(await store.storedArms(window), [
    { run: 'run-1', epoch: 1, arm: 'control', requests: 4 },
    { run: 'run-1', epoch: 1, arm: 'variant', requests: 3 },
    { run: 'run-1', epoch: 2, arm: 'variant', requests: 2 },
  ]);
});

test('ledger rows are kept once per source and id', async (t) => {
  const record = {
    source: '/nodes/n/1',
    id: '1',
    spans: 7,
    watermarkMs: 1_700_000_000_123,
    loss: '',
  };
  await store.recordBatches([record, { ...record, id: '2' }]);
  await store.recordBatches([record]);
  t.deepEqual(
    await clickhouse.rows(
      `SELECT id, spans, toUnixTimestamp64Milli(watermark) AS wm FROM batches FINAL
       WHERE source = '/nodes/n/1' ORDER BY id`,
      z.object({ id: z.string(), spans: z.number(), wm: z.coerce.number() }),
    ),
    [
      { id: '1', spans: 7, wm: 1_700_000_000_123 },
      { id: '2', spans: 7, wm: 1_700_000_000_123 },
    ],
  );
});

test('one batch may have spans of very many days', async (t) => {
  const old = Array.from({ length: 150 }, (_, i) => serverSpan(Date.now() + i * 86_400_000));
  await store.insertSpans([blockOf(old, 'far')]);
  t.is(await clickhouse.number("SELECT count() FROM spans FINAL WHERE service = 'far'"), 150);
});

test('a question about times that no span can have is answered', async (t) => {
  await store.insertSpans([blockOf([serverSpan(Date.now())])]);
  t.true((await store.red({ from: 0, to: 999_999_999_999_999 })).length > 0);
  t.deepEqual(await store.storedArms({ from: -62_167_219_200_000, to: -1 }), []);
});

test('migrations are recorded once, and several starts at a time do no harm', async (t) => {
  const stores = [1, 2, 3].map(() =>
    createClickHouseStore({ ...clickhouse.server(), database: 'fresh' }, { log }),
  );
  await Promise.all(stores.map((each) => each.migrate()));
  await Promise.all(stores.map((each) => each.migrate()));
  t.is(
    await clickhouse.number('SELECT uniqExact(number) FROM fresh.schema_migrations'),
    analyticsSchema.migrations.length,
  );
  await Promise.all(stores.map((each) => each.close()));
});

test('the schema is made again when the data was wiped', async (t) => {
  const other = createClickHouseStore({ ...clickhouse.server(), database: 'wiped' }, { log });
  await other.migrate();
  await clickhouse.rows('DROP DATABASE wiped SYNC', z.unknown()).catch(() => undefined);
  const block = blockOf([serverSpan(Date.now())]);
  await other.insertSpans([block]);
  t.is(await clickhouse.number('SELECT count() FROM wiped.spans'), 1);
  await other.close();
});

test('a wrong password and a port without a server are CLV_ANALYTICS_UNAVAILABLE', async (t) => {
  const server = clickhouse.server();
  const wrong = [
    { ...server, password: 'wrong' },
    { ...server, url: 'http://127.0.0.1:1' },
  ];
  for (const options of wrong) {
    const other = createClickHouseStore({ ...options, database: 'clover' }, { log });
    const error = await t.throwsAsync(other.red(hour(0)), { instanceOf: CloverError });
    t.is(error?.code, 'CLV_ANALYTICS_UNAVAILABLE');
    t.is(error?.retryAfter, 1);
    await t.throwsAsync(other.ping(), { message: /^ClickHouse does not answer: ./ });
    await other.close();
  }
});

test('ping is no error while ClickHouse answers', async (t) => {
  await t.notThrowsAsync(store.ping());
});
