import { randomBytes } from 'node:crypto';
import test from 'ava';
import { z } from 'zod';
import { createClickHouseStore } from '../../../../functions/analytics/clickhouse-store.ts';
import { blockOf, serverSpan } from '../spans.ts';
import { log, startTestClickHouse } from '../start.ts';

const clickhouse = await startTestClickHouse();
const store = createClickHouseStore({ ...clickhouse.server(), database: 'clover' }, { log });

test.before(() => store.migrate());
test.after.always(async () => {
  await store.close();
  await clickhouse.remove();
});

test("the view has the exporter's names, types and values", async (t) => {
  const at = Date.now() - 60_000;
  const traceId = randomBytes(16);
  const link = { traceId: randomBytes(16), spanId: randomBytes(8), traceState: 'l=1' };
  await store.insertSpans([
    blockOf([
      serverSpan(at, {
        traceId,
        parentSpanId: Buffer.alloc(8, 7),
        traceState: 'a=b',
        attributes: [
          ['http.request.method', 'GET'],
          ['http.response.status_code', 404n],
          ['custom', ['x', 1n]],
        ],
        events: [{ time: BigInt(at) * 1_000_000n, name: 'e', attributes: [['k', 'v']] }],
        links: [{ ...link, attributes: [['lk', 'lv']] }],
        status: { code: 2, message: 'why' },
      }),
    ]),
  ]);
  const types = await clickhouse.rows(
    'DESCRIBE otel_traces',
    z.looseObject({ name: z.string(), type: z.string() }),
  );
  const map = 'Map(LowCardinality(String), String)';
  t.deepEqual(Object.fromEntries(types.map(({ name, type }) => [name, type])), {
    Timestamp: 'DateTime64(9)',
    TraceId: 'String',
    SpanId: 'String',
    ParentSpanId: 'String',
    TraceState: 'String',
    SpanName: 'LowCardinality(String)',
    SpanKind: 'LowCardinality(String)',
    ServiceName: 'LowCardinality(String)',
    ResourceAttributes: map,
    ScopeName: 'String',
    ScopeVersion: 'String',
    SpanAttributes: map,
    Duration: 'UInt64',
    StatusCode: 'LowCardinality(String)',
    StatusMessage: 'String',
    'Events.Timestamp': 'Array(DateTime64(9))',
    'Events.Name': 'Array(LowCardinality(String))',
    'Events.Attributes': `Array(${map})`,
    'Links.TraceId': 'Array(String)',
    'Links.SpanId': 'Array(String)',
    'Links.TraceState': 'Array(String)',
    'Links.Attributes': `Array(${map})`,
  });
  const [row] = await clickhouse.rows(
    `SELECT * FROM otel_traces WHERE TraceId = '${traceId.toString('hex')}'`,
    z.looseObject({}),
  );
  t.like(row, {
    ParentSpanId: '0707070707070707',
    TraceState: 'a=b',
    SpanName: 'GET',
    SpanKind: 'Server',
    ServiceName: 'proxy',
    ResourceAttributes: {
      'service.name': 'proxy',
      'service.version': 'v1',
      'k8s.pod.uid': 'u-1',
    },
    SpanAttributes: {
      'http.request.method': 'GET',
      'http.response.status_code': '404',
      custom: '["x",1]',
    },
    StatusCode: 'Error',
    StatusMessage: 'why',
    'Events.Name': ['e'],
    'Events.Attributes': [{ k: 'v' }],
    'Links.TraceId': [link.traceId.toString('hex')],
    'Links.SpanId': [link.spanId.toString('hex')],
    'Links.TraceState': ['l=1'],
    'Links.Attributes': [{ lk: 'lv' }],
  });
});

const sent = z.object({ SpanAttributes: z.record(z.string(), z.string()) });

test('otel_traces shows the attributes under the names that were sent, and no others', async (t) => {
  const traceId = randomBytes(16);
  const older = { 'http.method': 'POST', 'http.status_code': '503' };
  const both = { ...older, 'http.request.method': 'POST', 'http.response.status_code': '503' };
  for (const attributes of [older, both]) {
    const span = serverSpan(Date.now(), { traceId, attributes: Object.entries(attributes) });
    await store.insertSpans([blockOf([span])]);
  }
  const found = await clickhouse.rows(
    `SELECT SpanAttributes FROM otel_traces WHERE TraceId = '${traceId.toString('hex')}'
     ORDER BY length(SpanAttributes)`,
    sent,
  );
  t.deepEqual(
    found.map(({ SpanAttributes: attributes }) => attributes),
    [older, both],
  );
});

test('a trace that came twice is found once, by its id and through the index, as Grafana asks', async (t) => {
  const traceId = randomBytes(16);
  const at = Date.now() - 60_000;
  const spans = [0, 2_500].map((later) => serverSpan(at + later, { traceId }));
  await store.insertSpans([blockOf(spans)]);
  await store.insertSpans([blockOf(spans.toReversed())]);
  const ask = `WITH '${traceId.toString('hex')}' AS trace_id,
      (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_start,
      (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_end
    SELECT "TraceId" AS traceID, "SpanId" AS spanID,
      arrayMap((name, timestamp) -> (name, toFloat64(timestamp)), "Events".Name, "Events".Timestamp) AS logs
    FROM otel_traces
    WHERE traceID = trace_id AND "Timestamp" >= trace_start AND "Timestamp" <= trace_end`;
  t.is((await clickhouse.rows(ask, z.unknown())).length, 2);
  const plan = await clickhouse.rows(
    `EXPLAIN indexes = 1 SELECT * FROM otel_traces WHERE TraceId = '${traceId.toString('hex')}'`,
    z.object({ explain: z.string() }),
  );
  t.true(plan.some(({ explain }) => explain.includes('by_trace')));
});
