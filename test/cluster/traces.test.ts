import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import anyTest, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { z } from 'zod';
import { eventTypes } from '../../knative/events.ts';
import { createReplay } from '../../native/capture/capture.ts';
import { eventOf, until } from '../functions/host/helpers.ts';
import { startControlPlane } from '../functions/host/telemetry/control-plane.ts';
import type { PlacedSpan } from '../functions/host/telemetry/otlp-json.ts';
import { messagesOf, numberOf, readMessage } from '../functions/host/telemetry/protobuf.ts';
import { exchange, play, pod, segmentsOf, type Exchange } from '../native/capture/conversation.ts';
import { decodeSpans, type DecodedSpan } from '../native/capture/otlp.ts';
import type { Jaeger } from './observe/jaeger.ts';
import type { Receivers } from './observe/receivers.ts';
import { pathTo, sendFromShop } from './observe/shop.ts';
import { whyNoReceivers, withReceivers } from './with-receivers.ts';

const why = await whyNoReceivers();
if (why !== undefined) process.stderr.write(`${why}\n`);
const test = why === undefined ? anyTest.serial : anyTest.serial.skip;
const started = Promise.withResolvers<Receivers>();
const ends: (() => unknown)[] = [];
/** Kinds and a status of opentelemetry-proto. */
const [server, client, consumer] = [2, 3, 5];
const failed = 2;
const evidence = { sequence: 1, watermarkMs: 1, openTimeoutMs: 10_000, cells: [] };

if (why === undefined) {
  anyTest.before('a Collector, a Jaeger and a Prometheus run', async () => {
    started.resolve(await withReceivers({ teardown: (end) => ends.push(end) }));
  });
}
anyTest.after.always('they are ended', async () => {
  for (const end of ends.toReversed()) await end();
});

/** Resolves with the spans of a trace when there are so many. */
async function traceOf(jaeger: Jaeger, traceId: string, count: number): Promise<PlacedSpan[]> {
  let spans: readonly PlacedSpan[] = [];
  await until(async () => {
    spans = await jaeger.trace(traceId);
    return spans.length >= count;
  });
  return [...spans];
}

/** Sends evidence of a node to the broker of a control plane from a traced application; resolves with the trace. */
async function traceEvidence(t: ExecutionContext, data: object): Promise<PlacedSpan[]> {
  const { collector, jaeger } = await started.promise;
  const plane = await startControlPlane(
    t,
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.http, OTEL_BSP_SCHEDULE_DELAY: '100' },
  );
  const { status, traceId } = await sendFromShop(collector, {
    url: `${plane.url}/broker`,
    headers: plane.headers,
    event: eventOf({
      id: 'boot-e1',
      source: '/nodes/n1/boot',
      type: eventTypes.evidence,
      datacontenttype: 'application/json',
      data: Buffer.from(JSON.stringify(data)),
    }),
  });
  t.is(status, 202);
  return traceOf(jaeger, traceId, 3);
}

test('a trace of an application goes on through the broker to what comes of its event', async (t) => {
  const spans = await traceEvidence(t, evidence);
  t.is(spans.length, 3);
  const invocation = spans.find(({ kind }) => kind === consumer);
  const request = spans.find(({ kind }) => kind === server);
  t.deepEqual(invocation && pathTo(spans, invocation), [
    'shop checkout',
    'clover POST /broker',
    `clover CloudEvents Process ${eventTypes.evidence}`,
  ]);
  t.like(request?.attributes, {
    'http.request.method': 'POST',
    'http.route': '/broker',
    'http.response.status_code': 202,
    'url.path': '/broker',
    'url.scheme': 'http',
  });
  t.like(invocation?.attributes, {
    'faas.name': 'evaluate',
    'faas.trigger': 'pubsub',
    'cloudevents.event_id': 'boot-e1',
    'cloudevents.event_source': '/nodes/n1/boot',
    'messaging.destination.subscription.name': 'evaluate-reports',
    'clover.delivery.attempt': 1,
  });
  t.deepEqual(
    spans.map(({ status }) => status.code ?? 0),
    [0, 0, 0],
  );
});

test('what a function could not do with an event is an error in its trace, and the request is none', async (t) => {
  const spans = await traceEvidence(t, {});
  const failures = spans.filter(({ status }) => status.code === failed);
  t.is(failures.length, 1);
  const [invocation] = failures;
  t.is(invocation?.kind, consumer);
  t.is(invocation?.attributes['error.type'], 'CLV_EVENT_DATA_INVALID');
  t.deepEqual(
    invocation?.events.map(({ name }) => name),
    ['exception'],
  );
});

for (const protocol of ['http/protobuf', 'grpc'] as const) {
  test(`a function that ends has told of itself over ${protocol}`, async (t) => {
    const { collector, jaeger } = await started.promise;
    const fixture = '../functions/host/telemetry/fixtures/function-process.ts';
    const child = fork(fileURLToPath(new URL(fixture, import.meta.url)), {
      env: {
        ...process.env,
        PORT: '0',
        LOG_LEVEL: 'error',
        K_SERVICE: 'shop-cart',
        K_REVISION: 'shop-cart-00003',
        OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? collector.grpc : collector.http,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      },
    });
    t.teardown(() => child.kill('SIGKILL'));
    const message: Promise<unknown[]> = once(child, 'message');
    const url = z
      .url()
      .parse((await message)[0])
      .replace('0.0.0.0', '127.0.0.1');
    const { status, traceId } = await sendFromShop(collector, { url, event: eventOf() });
    t.is(status, 200);
    const exit: Promise<unknown[]> = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
    const spans = await traceOf(jaeger, traceId, 3);
    const invocation = spans.find(({ kind }) => kind === consumer);
    t.deepEqual(invocation && pathTo(spans, invocation), [
      'shop checkout',
      'shop-cart POST /',
      'shop-cart CloudEvents Process test.event',
    ]);
    t.like(invocation?.resource, {
      'faas.name': 'shop-cart',
      'faas.version': 'shop-cart-00003',
      'telemetry.sdk.language': 'nodejs',
    });
    t.is(invocation?.scope, 'clover');
  });
}

/** A request with these lines in its head, and its answer. */
const asked = (lines: readonly string[], status: number): Exchange => ({
  request: Buffer.from(`${lines.join('\r\n')}\r\nhost: cart.shop:8080\r\n\r\n`),
  response: Buffer.from(`HTTP/1.1 ${status} Fine\r\ncontent-length: 2\r\n\r\nok`),
  method: '',
  path: '',
  status,
  requestBytes: 0,
  responseBytes: 2,
});

const values = z.record(z.string(), z.union([z.string(), z.number()]));

/** A span of Jaeger as the agent's own tests read one. */
const asDecoded = (span: PlacedSpan): DecodedSpan => ({
  resource: values.parse(span.resource),
  scope: span.scope,
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId ?? '',
  traceState: span.traceState,
  flags: span.flags,
  name: span.name,
  kind: span.kind,
  startNs: BigInt(span.startTimeUnixNano),
  endNs: BigInt(span.endTimeUnixNano),
  attributes: values.parse(span.attributes),
  events: span.events.map(({ timeUnixNano, name, attributes }) => ({
    timeNs: BigInt(timeUnixNano),
    name,
    attributes: values.parse(attributes),
  })),
  links: span.links,
  status: span.status.code ?? 0,
});

test('spans of the agent are OTLP that a Collector takes and a Jaeger gives back unchanged', async (t) => {
  const { collector, jaeger } = await started.promise;
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const traced = [`traceparent: 00-${traceId}-b7ad6b7169203331-01`, 'tracestate: shop=1'];
  const conversation = [
    asked(['GET /cart?item=7 HTTP/1.1', ...traced, 'user-agent: käse'], 200),
    asked(['DELETE /cart HTTP/1.1', ...traced], 503),
    asked(['BREW /pot HTTP/1.1'], 404),
    ...fc.sample(exchange, { numRuns: 100, seed: 1 }),
  ];
  const batches: Buffer[] = [];
  const replay = createReplay({
    boot: '00112233445566ff',
    onBatch: ({ otlp }) => batches.push(Buffer.from(otlp)),
  });
  replay.attach(7, pod);
  for (const [index, podServes] of [true, false].entries()) {
    const wire = { clientIsn: 1, serverIsn: 1, cuts: [200], peerPort: 40_000 + index, podServes };
    play(replay, segmentsOf([conversation], wire));
  }
  await replay.close();
  const sent = batches.flatMap(decodeSpans);
  t.is(sent.length, 2 * conversation.length);
  t.deepEqual(new Set(sent.map(({ kind }) => kind)), new Set([server, client]));

  for (const body of batches) {
    const response = await fetch(`${collector.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(body),
    });
    t.is(response.status, 200);
    const said = readMessage(await response.bytes());
    for (const partial of messagesOf(said, 1)) t.is(numberOf(partial, 1), 0, 'rejected spans');
  }
  const ids = new Map(sent.map((span) => [span.traceId, 0]));
  for (const { traceId: id } of sent) ids.set(id, (ids.get(id) ?? 0) + 1);
  t.is(ids.get(traceId), 4);
  const kept = new Map<string, PlacedSpan>();
  for (const [id, count] of ids) {
    for (const span of await traceOf(jaeger, id, count)) kept.set(span.spanId, span);
  }
  for (const span of sent) {
    const found = kept.get(span.spanId);
    t.deepEqual(found && asDecoded(found), span);
  }
});
