import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { createClickHouseStore } from '../../../functions/analytics/clickhouse-store.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import { createIngest } from '../../../functions/ingest/function.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { eventTypes } from '../../../knative/events.ts';
import { createTraceDecoder } from '../../../native/codec/codec.ts';
import { otlpOf, serverSpan } from '../analytics/spans.ts';
import { log, startTestClickHouse, type TestClickHouse } from '../analytics/start.ts';
import { handle } from '../host/helpers.ts';

interface SetUp {
  readonly clickhouse: TestClickHouse;
  readonly ingest: CloverFunction;
}

async function setUp(t: ExecutionContext, writeTimeoutMs = 10_000): Promise<SetUp> {
  const clickhouse = await startTestClickHouse();
  t.teardown(() => clickhouse.remove());
  return { clickhouse, ingest: ingestInto(t, clickhouse, writeTimeoutMs) };
}

function ingestInto(
  t: ExecutionContext,
  clickhouse: TestClickHouse,
  writeTimeoutMs = 10_000,
): CloverFunction {
  const where = { ...clickhouse.server(), database: 'clover', writeTimeoutMs };
  const analytics = createClickHouseStore(where, { log });
  t.teardown(() => analytics.close());
  const decoder = createTraceDecoder();
  const limits = { waitMs: 10 };
  const ingest = createIngest({ analytics, decoder, clock: systemClock, limits });
  t.teardown(() => ingest.close?.());
  return ingest;
}

const batch = (id: number, spans: number): CloudEvent => {
  const start = Date.now() - 60_000;
  return event(String(id), otlpOf(Array.from({ length: spans }, (_, i) => serverSpan(start + i))), {
    cloverspans: String(spans),
    cloverwm: '1700000000123',
    cloverloss: '{"ring_full":3}',
  });
};

function event(id: string, data: Buffer, extensions: Record<string, string> = {}): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source: '/nodes/n/1',
    type: eventTypes.spans,
    extensions,
    data,
  };
}

const send = handle;

const codeOf = (error: unknown): string => (error instanceof CloverError ? error.code : '');

test('what was accepted is queryable at once, with its ledger row', async (t) => {
  const { ingest, clickhouse } = await setUp(t);
  await send(ingest, batch(1, 20));
  t.is(await clickhouse.number('SELECT count() FROM spans FINAL'), 20);
  t.deepEqual(
    await clickhouse.rows('SELECT source, id, spans, loss FROM batches FINAL', z.looseObject({})),
    [{ source: '/nodes/n/1', id: '1', spans: 20, loss: '{"ring_full":3}' }],
  );
  t.like(ingest.counters?.(), { batches: 1, spans: 20, malformed: 0, queued: 0 });
});

test('a redelivered batch changes nothing', async (t) => {
  const { ingest, clickhouse } = await setUp(t);
  const first = batch(1, 30);
  await Promise.all([first, first, batch(2, 5)].map((each) => send(ingest, each)));
  await send(ingest, first);
  t.is(await clickhouse.number('SELECT count() FROM spans FINAL'), 35);
  t.is(await clickhouse.number('SELECT count() FROM batches FINAL'), 2);
});

test('a malformed body is refused and counted, and stores no part of itself', async (t) => {
  const { ingest, clickhouse } = await setUp(t);
  const whole = batch(1, 30);
  const cut = { ...whole, data: whole.data.subarray(0, whole.data.length - 1) };
  const wrongCount = { ...whole, extensions: { cloverspans: '31' } };
  const noise = event('2', Buffer.from('no protobuf at all'));
  for (const bad of [cut, wrongCount, noise]) {
    const error = await t.throwsAsync(send(ingest, bad));
    t.is(codeOf(error), 'CLV_TELEMETRY_MALFORMED');
  }
  t.is(ingest.counters?.()['malformed'], 3);
  await send(ingest, batch(3, 1));
  t.is(await clickhouse.number('SELECT count() FROM spans'), 1);
});

test('an event of another type and a bad watermark are refused', async (t) => {
  const { ingest } = await setUp(t);
  const one = batch(1, 1);
  for (const bad of [
    { ...one, type: eventTypes.evidence },
    ...['soon', '', '-1', '0x10', '1.5', '1e300', '99999999999999'].map((cloverwm) =>
      Object.assign({}, one, { extensions: { cloverwm } }),
    ),
  ]) {
    t.is(codeOf(await t.throwsAsync(send(ingest, bad))), 'CLV_EVENT_INVALID');
  }
});

test('a batch of a sender that is no agent is stored, also spans at the ends of time', async (t) => {
  const { ingest, clickhouse } = await setUp(t);
  const times = [0n, 1n, 2n ** 32n * 10n ** 9n, 2n ** 63n - 1n];
  const otlp = otlpOf(times.map((start) => serverSpan(0, { start, end: start })));
  await send(ingest, event('1', otlp));
  for (const cloverwm of ['0', '1', '9999999999999']) {
    await send(ingest, event(`wm-${cloverwm}`, otlpOf([]), { cloverwm }));
  }
  t.deepEqual(
    await clickhouse.rows(
      'SELECT id, toUnixTimestamp64Milli(watermark) AS wm FROM batches FINAL ORDER BY wm, id',
      z.object({ id: z.string(), wm: z.coerce.number() }),
    ),
    [
      { id: '1', wm: 0 },
      { id: 'wm-0', wm: 0 },
      { id: 'wm-1', wm: 1 },
      { id: 'wm-9999999999999', wm: 9_999_999_999_999 },
    ],
  );
  t.is(ingest.counters?.()['spans'], 4);
});

test('while ClickHouse is down the answer is 503 with Retry-After, and later all is stored', async (t) => {
  const { ingest, clickhouse } = await setUp(t);
  await send(ingest, batch(1, 10));
  await clickhouse.kill();
  const second = batch(2, 10);
  const error = await t.throwsAsync(send(ingest, second), { instanceOf: CloverError });
  t.is(error?.code, 'CLV_ANALYTICS_UNAVAILABLE');
  t.is(error?.status, 503);
  t.is(error?.retryAfter, 1);
  t.like(ingest.counters?.(), { unavailable: 1, queued: 0 });
  await clickhouse.restart();
  await send(ingest, second);
  t.is(await clickhouse.number('SELECT count() FROM spans FINAL'), 20);
});

test('a ClickHouse that hangs is 503 with Retry-After in time, and later all is stored once', async (t) => {
  const { ingest, clickhouse } = await setUp(t, 1_000);
  await send(ingest, batch(1, 10));
  clickhouse.hang(true);
  const more = [2, 3, 4].map((id) => batch(id, 10));
  for (const each of more) {
    const error = await t.throwsAsync(send(ingest, each), { instanceOf: CloverError });
    t.is(error?.code, 'CLV_ANALYTICS_UNAVAILABLE');
    t.is(error?.retryAfter, 1);
  }
  clickhouse.hang(false);
  const patient = ingestInto(t, clickhouse);
  for (const each of more) await send(patient, each);
  t.is(await clickhouse.number('SELECT count() FROM spans FINAL'), 40);
  t.is(await clickhouse.number('SELECT count() FROM otel_traces'), 40);
  t.is(await clickhouse.number('SELECT count() FROM batches FINAL'), 4);
});

test('every batch that was accepted survives SIGKILLs of ClickHouse during inserts', async (t) => {
  const { ingest, clickhouse } = await setUp(t);
  const accepted = new Set<string>();
  const refused: CloudEvent[] = [];
  let next = 1;
  for (let round = 0; round < 3; round++) {
    const stop = new AbortController();
    const sender = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const each = batch(next++, 200);
        await send(ingest, each).then(
          () => accepted.add(each.id),
          () => {
            refused.push(each);
            stop.abort();
          },
        );
      }
    };
    const senders = [sender(), sender(), sender(), sender()];
    const goal = accepted.size + 12;
    while (accepted.size < goal) await systemClock.sleep(5);
    await clickhouse.kill();
    await Promise.all(senders);
    await clickhouse.restart();
    const stored = await clickhouse.rows(
      'SELECT id FROM batches FINAL',
      z.object({ id: z.string() }),
    );
    const ids = new Set(stored.map(({ id }) => id));
    t.deepEqual(
      [...accepted].filter((id) => !ids.has(id)),
      [],
    );
    t.true((await clickhouse.number('SELECT count() FROM spans FINAL')) >= accepted.size * 200);
  }
  t.true(refused.length > 0);
  await Promise.all(refused.map((each) => send(ingest, each)));
  const batches = accepted.size + refused.length;
  t.is(await clickhouse.number('SELECT count() FROM spans FINAL'), batches * 200);
  t.is(await clickhouse.number('SELECT count() FROM batches FINAL'), batches);
});
