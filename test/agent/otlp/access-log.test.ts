import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import anyTest from 'ava';
import { z } from 'zod';
import { createReplay } from '../../../native/capture/capture.ts';
import type { RecordBatch } from '../../../native/capture/types.ts';
import type { TraceSettings } from '../../../native/capture/trace-settings.ts';
import { whyNoReceivers, withLogCollector } from '../../cluster/with-receivers.ts';
import { listenOnLoopback } from '../../functions/host/helpers.ts';
import { attributeList, resource } from '../../functions/host/telemetry/otlp-json.ts';
import { gapsOf, play, pod, segmentsOf } from '../../native/capture/conversation.ts';
import { type DecodedSpan, decodeSpans } from '../../native/capture/otlp.ts';
import { eventually } from '../helpers/test-agent.ts';
import { startOtlpServer } from './otlp-server.ts';
import { openTestSinks, podOf } from './test-sinks.ts';
import { batchOf } from './traced.ts';

const why = await whyNoReceivers();
if (why !== undefined) process.stderr.write(`${why}\n`);
const test = why === undefined ? anyTest : anyTest.skip;

const asked = (status: number) => ({
  request: Buffer.from('GET /a?b=secret HTTP/1.1\r\nHost: a\r\n\r\n'),
  response: Buffer.from(`HTTP/1.1 ${status} Fine\r\nContent-Length: 2\r\n\r\nok`),
  method: 'GET',
  path: '/a',
  status,
  requestBytes: 0,
  responseBytes: 2,
});

/** What is told of requests to a pod. */
async function told(
  settings: TraceSettings,
  ...statuses: readonly number[]
): Promise<{ batches: RecordBatch[]; spans: DecodedSpan[]; gaps: string[] }> {
  const batches: RecordBatch[] = [];
  const spans: DecodedSpan[] = [];
  const replay = createReplay({
    boot: '00112233445566ff',
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
    onRecords: (batch) => batches.push(batch),
  });
  replay.attach(7, { ...pod, uid: 'web' }, settings);
  play(replay, segmentsOf([statuses.map(asked)], { clientIsn: 1, serverIsn: 1, cuts: [1_400] }));
  await replay.flush();
  const gaps = gapsOf(replay.ledger());
  await replay.close();
  return { batches, spans, gaps };
}

const record = z.object({
  timeUnixNano: z.string(),
  observedTimeUnixNano: z.string(),
  severityNumber: z.number(),
  severityText: z.string(),
  body: z.object({ stringValue: z.string() }),
  attributes: attributeList,
  traceId: z.string(),
  spanId: z.string(),
  eventName: z.string().optional(),
});
const logsData = z.object({
  resourceLogs: z.array(
    z.object({ resource, scopeLogs: z.array(z.object({ logRecords: z.array(record) })) }),
  ),
});

anyTest(
  'each request has a record whatever is sampled, and pods without a log have none',
  async (t) => {
    const all = await told({ accessLog: true }, 200, 503);
    t.is(all.spans.length, 2);
    t.deepEqual(
      all.batches.map(({ records, sequence }) => ({ records, sequence })),
      [{ records: 2, sequence: 1 }],
    );
    const none = await told({ ratio: 0, accessLog: true }, 200, 503);
    t.is(none.spans.length, 0);
    t.deepEqual(none.gaps, []);
    t.deepEqual(none.batches[0]?.otlp, all.batches[0]?.otlp);
    t.false(all.batches[0]?.otlp.includes('secret'));
    t.deepEqual((await told({}, 200)).batches, []);
  },
);

test('a real Collector takes the records over HTTP and gRPC, and hands on what they say', async (t) => {
  const received: z.output<typeof logsData>[] = [];
  const server = createServer((request, response) => {
    json(request)
      .then((body) => received.push(logsData.parse(body)))
      .then(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
      .catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => server.close());
  const collector = await withLogCollector(t, `http://127.0.0.1:${port}`);
  const dir = await mkdtemp(join(tmpdir(), 'clover-sinks-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const sinks = await openTestSinks(dir, {
    http: { protocol: 'http', endpoint: collector.http },
    grpc: { protocol: 'grpc', endpoint: collector.grpc },
    other: { protocol: 'http', endpoint: collector.http },
  });
  t.teardown(() => sinks.stop(0));
  sinks.route([podOf('web', ['http', 'grpc', 'other'], ['http', 'grpc'])]);
  t.deepEqual(await readdir(join(dir, 'sinks')), ['grpc', 'http', 'other']);
  const { batches, spans } = await told({ accessLog: true }, 200, 503);
  for (const batch of batches) sinks.pushRecords(batch);
  for (const name of ['http.logs', 'grpc.logs'])
    await eventually(
      `${name} has accepted`,
      () => sinks.counters().byName[name]?.accepted.spans === 2,
    );
  // A sink that no log goes to has neither a folder nor a count of records.
  const all = ['grpc', 'grpc.logs', 'http', 'http.logs', 'other'];
  t.deepEqual(Object.keys(sinks.counters().byName).sort(), all);
  t.deepEqual(await readdir(join(dir, 'sinks')), all);
  t.is(sinks.counters().byName['http']?.accepted.spans, 0);
  const records = () =>
    received.flatMap(({ resourceLogs }) =>
      resourceLogs.flatMap(({ resource: { attributes: from }, scopeLogs }) =>
        scopeLogs.flatMap(({ logRecords }) => logRecords.map((one) => ({ ...one, from }))),
      ),
    );
  await eventually('the records are handed on', () => records().length === 4);
  for (const span of spans) {
    const found = records().filter(({ spanId }) => spanId === span.spanId);
    t.is(found.length, 2);
    const status = span.attributes['http.response.status_code'];
    const failed = span.status === 2;
    for (const one of found) {
      t.like(one, {
        traceId: span.traceId,
        timeUnixNano: String(span.startNs),
        observedTimeUnixNano: String(span.endNs),
        severityText: failed ? 'ERROR' : 'INFO',
        severityNumber: failed ? 17 : 9,
        body: { stringValue: `GET ${status}` },
        eventName: 'clover.request',
      });
      t.deepEqual(one.attributes, {
        ...span.attributes,
        'clover.span_kind': 'server',
        'clover.duration': Number(span.endNs - span.startNs),
      });
      t.is(one.from['k8s.pod.uid'], 'web');
    }
  }
});

anyTest('records that a sink refuses are told as lost, and spans are none of them', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'clover-sinks-'));
  const server = await startOtlpServer(t, 'http');
  const sinks = await openTestSinks(dir, { loki: { endpoint: server.url } });
  t.teardown(async () => {
    await sinks.stop(0);
    await rm(dir, { recursive: true, force: true });
  });
  sinks.route([podOf('web', ['loki'], ['loki'])]);
  // `partial_success {rejected_spans: 1}`, as of records.
  const partial = Buffer.from('0a020801', 'hex');
  server.answers.push({ body: partial });
  sinks.push(await batchOf({ web: 4 }));
  await eventually('the spans', () => sinks.counters().byName['loki']?.accepted.spans === 3);
  t.deepEqual(sinks.lostRecords(), {});
  server.answers.push({ body: partial });
  const { spans: records, ...batch } = await batchOf({ web: 3 });
  sinks.pushRecords({ ...batch, records });
  await eventually('the records', () => sinks.lostRecords()['refused'] === 1);
  t.pass();
});
