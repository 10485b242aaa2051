import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { loadBinding } from '../../../native/codec/binding.ts';
import { createTraceDecoder } from '../../../native/codec/codec.ts';
import { readNativeBlock, type Cell } from './native-block.ts';
import { printed, resource } from './arbitraries.ts';
import {
  anyValue,
  bytesField,
  encodeOne,
  encodeSpan,
  encodeTraces,
  fixed64Field,
  plain,
  varintField,
  wrap,
  type AttributePair,
} from './otlp-encoder.ts';

const decoder = createTraceDecoder();

function decodeOne(otlp: Uint8Array): Readonly<Record<string, Cell>> {
  const { rows } = readNativeBlock(decoder.decodeTraces(otlp).block);
  return rows[0] ?? {};
}

const hex = (cell: Cell | undefined): string => (Buffer.isBuffer(cell) ? cell.toString('hex') : '');
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('every field of every span comes out as it went in', (t) => {
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 3 }), (resources) => {
      const { block, spans } = decoder.decodeTraces(encodeTraces(resources));
      const { rows, end } = readNativeBlock(block);
      t.is(end, block.length);
      const flat = resources.flatMap((of) => of.spans.map((one) => ({ of, one })));
      t.is(spans, flat.length);
      t.is(rows.length, flat.length);
      for (const [i, { of, one }] of flat.entries()) {
        const row = rows[i] ?? {};
        t.is(hex(row['trace_id']), hexOf(one.traceId));
        t.is(hex(row['span_id']), hexOf(one.spanId));
        t.is(hex(row['parent_span_id']), hexOf(one.parentSpanId ?? Buffer.of()).padEnd(16, '0'));
        t.is(row['trace_state'], one.traceState);
        t.is(row['name'], one.name);
        t.is(row['kind'], BigInt(one.kind ?? 0));
        t.is(row['ts'], one.start);
        t.is(row['duration_ns'], one.end > one.start ? one.end - one.start : 0n);
        t.is(row['flags'], BigInt(one.flags ?? 0));
        t.is(row['status'], BigInt(one.status?.code ?? 0));
        t.is(row['status_message'], one.status?.message);
        t.is(row['scope_name'], of.scope?.name);
        t.is(row['scope_version'], of.scope?.version);
        t.deepEqual(row['resource_attributes'], new Map(printed(of.attributes)));
        t.deepEqual(
          row['attributes'],
          new Map([...printed(one.attributes), ...printed(of.scope?.attributes, 'otel.scope.')]),
        );
        const { events = [], links = [] } = one;
        t.deepEqual(
          row['events.ts'],
          events.map(({ time }) => time),
        );
        t.deepEqual(
          row['events.name'],
          events.map(({ name }) => name),
        );
        t.deepEqual(
          row['events.attributes'],
          events.map((event) => new Map(printed(event.attributes))),
        );
        t.deepEqual(
          row['links.trace_id'],
          links.map(({ traceId }) => Buffer.from(traceId)),
        );
        t.deepEqual(
          row['links.span_id'],
          links.map(({ spanId }) => Buffer.from(spanId)),
        );
        t.deepEqual(
          row['links.attributes'],
          links.map((link) => new Map(printed(link.attributes))),
        );
      }
    }),
    { numRuns: 150 },
  );
});

test('semantic attributes get columns of their own and leave the map', (t) => {
  const row = decodeOne(
    encodeOne(
      {
        kind: 2,
        attributes: [
          ['http.request.method', 'GET'],
          ['url.path', '/a'],
          ['http.route', '/{x}'],
          ['http.response.status_code', 200n],
          ['clover.run', 'run-1'],
          ['clover.epoch', 7n],
          ['clover.arm', 'variant'],
          ['clover.time_to_first_byte', 42n],
          ['other', 'stays'],
        ],
      },
      {
        attributes: [
          ['service.name', 'proxy'],
          ['service.version', 'v2'],
          ['k8s.namespace.name', 'demo'],
          ['k8s.pod.name', 'proxy-0'],
          ['k8s.node.name', 'node-1'],
          ['k8s.pod.uid', 'u'],
        ],
      },
    ),
  );
  const expected: Record<string, Cell> = {
    service: 'proxy',
    version: 'v2',
    namespace: 'demo',
    pod: 'proxy-0',
    node: 'node-1',
    method: 'GET',
    path: '/a',
    route: '/{x}',
    status_code: 200n,
    run: 'run-1',
    epoch: 7n,
    arm: 'variant',
    ttfb_ns: 42n,
    error: 0n,
    attributes: new Map([['other', 'stays']]),
    resource_attributes: new Map([['k8s.pod.uid', 'u']]),
  };
  t.like(row, expected);
});

const http = 'http.response.status_code';
const grpc = 'rpc.grpc.status_code';
const errors: readonly [name: string, code: number, list: readonly AttributePair[], is: bigint][] =
  [
    ['HTTP 500', 0, [[http, 500n]], 1n],
    ['HTTP 404 that the client calls an error', 2, [[http, 404n]], 0n],
    ['HTTP 200 cut off', 2, [[http, 200n]], 1n],
    ['a refused connection', 2, [], 1n],
    ['gRPC UNAVAILABLE', 0, [[grpc, 14n]], 1n],
    ['gRPC NOT_FOUND', 0, [[grpc, 5n]], 0n],
    ['gRPC UNAVAILABLE by its name', 0, [['rpc.status_code', 'UNAVAILABLE']], 1n],
    ['gRPC INTERNAL under the name before', 0, [['rpc.response.status_code', 'INTERNAL']], 1n],
    ['gRPC NOT_FOUND by its name', 0, [['rpc.status_code', 'NOT_FOUND']], 0n],
    ['older names', 0, [['http.status_code', 503n]], 1n],
    ['nothing said', 0, [], 0n],
  ];
for (const [name, code, attributes, is] of errors) {
  test(`the error flag of ${name} is ${is}`, (t) => {
    t.is(decodeOne(encodeOne({ status: { code }, attributes }))['error'], is);
  });
}

function bucketOf(ns: bigint): number {
  return Number(decodeOne(encodeOne({ start: 0n, end: ns }))['bucket']);
}

test('the bucket is floor(log2(ns) * 16)', (t) => {
  t.is(bucketOf(0n), 0);
  for (let octave = 0; octave < 63; octave++) t.is(bucketOf(2n ** BigInt(octave)), octave * 16);
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 52n }), (ns) => {
      const exact = Math.log2(Number(ns)) * 16;
      const bucket = bucketOf(ns);
      t.true(bucket <= exact + 1e-9 && exact - 1e-9 < bucket + 1);
    }),
    { numRuns: 300 },
  );
});

test('unknown fields are skipped wherever they stand', (t) => {
  const unknown = Buffer.concat([
    varintField(900, 5n),
    fixed64Field(901, 6n),
    bytesField(902, Buffer.from('x')),
  ]);
  const bytes = wrap(Buffer.concat([unknown, encodeSpan(plain), unknown]));
  t.is(decoder.decodeTraces(Buffer.concat([unknown, bytes, unknown])).spans, 1);
});

test('a resource that follows its spans counts for them', (t) => {
  const spans = bytesField(2, bytesField(2, encodeSpan(plain)));
  const key = Buffer.concat([
    bytesField(1, Buffer.from('service.name')),
    bytesField(2, anyValue('late')),
  ]);
  const row = decodeOne(bytesField(1, Buffer.concat([spans, bytesField(1, bytesField(1, key))])));
  t.is(row['service'], 'late');
});

test('counts of what an SDK dropped are kept as attributes', (t) => {
  const row = decodeOne(wrap(Buffer.concat([encodeSpan(plain), varintField(10, 3n)])));
  t.deepEqual(row['attributes'], new Map([['otel.dropped_attributes_count', '3']]));
});

test('the binding takes bytes only', (t) => {
  const binding: { decode_traces(input: unknown): unknown } = loadBinding();
  for (const input of ['text', undefined, {}, new Uint16Array(2)])
    t.throws(() => binding.decode_traces(input), { instanceOf: TypeError });
});

test('it works in several worker threads, and after they ended', async (t) => {
  const source = `
    const { createTraceDecoder } = await import(${JSON.stringify(new URL('../../../native/codec/codec.ts', import.meta.url).href)});
    const { parentPort, workerData } = await import('node:worker_threads');
    parentPort.postMessage(createTraceDecoder().decodeTraces(workerData).spans);`;
  const run = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
      new Worker(url, { workerData: new Uint8Array(encodeOne({})) })
        .once('message', resolve)
        .once('error', reject);
    });
  t.deepEqual(await Promise.all([run(), run(), run()]), [1, 1, 1]);
  t.is(decoder.decodeTraces(encodeOne({})).spans, 1);
});

test('a link whose context is not valid is kept, with zeros for the ids', (t) => {
  const attributes: readonly AttributePair[] = [['why', 'no context']];
  const zeros = { traceId: Buffer.alloc(16), spanId: Buffer.alloc(8), attributes };
  const empty = { traceId: Buffer.alloc(0), spanId: Buffer.alloc(0), attributes };
  const row = decodeOne(encodeOne({ links: [zeros, empty] }));
  t.deepEqual(row['links.trace_id'], [zeros.traceId, zeros.traceId]);
  t.deepEqual(row['links.span_id'], [zeros.spanId, zeros.spanId]);
  t.deepEqual(row['links.attributes'], [
    new Map([['why', 'no context']]),
    new Map([['why', 'no context']]),
  ]);
});

test('names of older conventions fill the columns, and whatever was sent stays in the map', (t) => {
  const older: readonly AttributePair[] = [
    ['http.method', 'POST'],
    ['http.status_code', 503n],
  ];
  const alone = decodeOne(encodeOne({ attributes: older }));
  t.like(alone, { method: 'POST', status_code: 503n, error: 1n });
  t.deepEqual(alone['attributes'], new Map(printed(older)));
  const both: readonly AttributePair[] = [
    ...older,
    ['http.request.method', 'GET'],
    ['http.response.status_code', 404n],
  ];
  const newerFirst = [...both.slice(2), ...older];
  for (const attributes of [both, newerFirst]) {
    const row = decodeOne(encodeOne({ attributes }));
    t.like(row, { method: 'GET', status_code: 404n, error: 0n });
    t.deepEqual(row['attributes'], new Map(printed(both)));
  }
});
