import { randomFillSync, randomInt } from 'node:crypto';
import { zstdCompressSync, constants } from 'node:zlib';
import {
  bytesField,
  encodeSpan,
  encodeTraces,
  type AttributePair,
  type TestSpan,
} from '../native/codec/otlp-encoder.ts';

/** One request as an agent sends it. */
export interface PreparedBatch {
  readonly body: Buffer;
  readonly spans: number;
  /** Bytes before compression. */
  readonly otlpBytes: number;
}

interface Template {
  readonly bytes: Buffer;
  readonly trace: number;
  readonly span: number;
  readonly parent: number;
  readonly start: number;
  readonly end: number;
}

const legs = [
  { pod: 'envoy-0', service: 'gateway', version: 'v1', kind: 2 },
  { pod: 'envoy-0', service: 'gateway', version: 'v1', kind: 3 },
  { pod: 'proxy-v1-0', service: 'proxy', version: 'v1', kind: 2 },
  { pod: 'proxy-v2-0', service: 'proxy', version: 'v2', kind: 2 },
  { pod: 'lb-0', service: 'load-balancer', version: 'v1', kind: 2 },
  { pod: 'lb-0', service: 'load-balancer', version: 'v1', kind: 3 },
  { pod: 'web-0', service: 'web', version: 'v1', kind: 2 },
  { pod: 'web-1', service: 'web', version: 'v1', kind: 2 },
] as const;

const variants = 400;
const mark = { trace: 0xa1, span: 0xb2, parent: 0xc3 };
const startMark = 0x1122334455667788n;
const endMark = 0x1122334455667799n;

function littleEndian(value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(value);
  return out;
}

function templateOf(kind: number, variant: number): Template {
  const path = `/catalogue/${variant % 40}/item-${variant}`;
  const attributes: AttributePair[] = [
    ['http.request.method', variant % 10 === 0 ? 'POST' : 'GET'],
    ['url.path', path],
    ['http.response.status_code', variant % 97 === 0 ? 503n : 200n],
    ['clover.run', 'proxy-v2-r1'],
    ['clover.epoch', BigInt(1 + (variant % 3))],
    ['clover.arm', variant % 2 === 0 ? 'control' : 'variant'],
    ['clover.time_to_first_byte', BigInt(400_000 + randomInt(4_000_000))],
    ['server.address', `198.18.0.${10 + (variant % 8)}`],
    ['server.port', 8080n],
    ['client.address', `198.18.1.${variant % 20}`],
    ['client.port', BigInt(32_768 + randomInt(28_000))],
    ['network.protocol.version', '1.1'],
    ['http.response.body.size', BigInt(randomInt(20_000))],
    ['user_agent.original', 'curl/8.5.0'],
  ];
  const bytes = encodeSpan({
    traceId: Buffer.alloc(16, mark.trace),
    spanId: Buffer.alloc(8, mark.span),
    parentSpanId: Buffer.alloc(8, mark.parent),
    name: attributes[0]?.[1] === 'POST' ? 'POST' : 'GET',
    kind,
    start: startMark,
    end: endMark,
    attributes,
  } satisfies TestSpan);
  const find = (needle: Buffer): number => {
    const at = bytes.indexOf(needle);
    if (at < 0) throw new RangeError('mark not found');
    return at;
  };
  return {
    bytes,
    trace: find(Buffer.alloc(16, mark.trace)),
    span: find(Buffer.alloc(8, mark.span)),
    parent: find(Buffer.alloc(8, mark.parent)),
    start: find(littleEndian(startMark)),
    end: find(littleEndian(endMark)),
  };
}

/** Makes batches of spans like an agent's: 8 resources, 14 attributes, random ids. */
export function createBatchMaker(): (spans: number, startMs: number) => PreparedBatch {
  const templates = legs.map(({ kind }) =>
    Array.from({ length: variants }, (_, variant) => templateOf(kind, variant)),
  );
  const heads = legs.map(({ pod, service, version }) =>
    encodeTraces([
      {
        attributes: [
          ['service.name', service],
          ['service.version', version],
          ['k8s.namespace.name', 'demo'],
          ['k8s.pod.name', pod],
          ['k8s.pod.uid', `5a1c8f0e-0000-4000-8000-${pod.padEnd(12, '0')}`],
          ['k8s.node.name', 'node-1'],
        ],
        spans: [],
      },
    ]),
  );

  return (spans, startMs) => {
    const ids = randomFillSync(Buffer.alloc(spans * 24));
    const per = Math.ceil(spans / legs.length);
    const resources: Buffer[] = [];
    let made = 0;
    for (let leg = 0; leg < legs.length; leg++) {
      const parts: Buffer[] = [];
      for (let i = 0; i < per && made < spans; i++, made++) {
        const template = templates[leg]?.[randomInt(variants)];
        if (template === undefined) throw new RangeError('no template');
        const bytes = Buffer.from(template.bytes);
        // Spans of one request share the trace id across legs; each one's parent is the leg before.
        ids.copy(bytes, template.trace, i * 24, i * 24 + 16);
        ids.copy(bytes, template.span, made * 24 + 16, made * 24 + 24);
        const parent = leg === 0 ? made : made - per;
        ids.copy(bytes, template.parent, parent * 24 + 16, parent * 24 + 24);
        const start = BigInt(startMs) * 1_000_000n + BigInt(randomInt(1_000_000_000));
        bytes.writeBigUInt64LE(start, template.start);
        const duration = Math.exp(14 + 0.6 * Math.log(1 / (1 - Math.random())));
        bytes.writeBigUInt64LE(start + BigInt(Math.round(duration)), template.end);
        parts.push(bytesField(2, bytes));
      }
      // The resource's own bytes, then its spans, below one ResourceSpans.
      const head = heads[leg] ?? Buffer.alloc(0);
      resources.push(
        bytesField(1, Buffer.concat([resourceOf(head), bytesField(2, Buffer.concat(parts))])),
      );
    }
    const otlp = Buffer.concat(resources);
    const body = zstdCompressSync(otlp, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    return { body, spans, otlpBytes: otlp.length };
  };
}

/** The fields of a ResourceSpans without spans, out of its TracesData. */
function resourceOf(tracesData: Buffer): Buffer {
  let at = 1;
  while (tracesData.readUInt8(at++) >= 0x80);
  return tracesData.subarray(at);
}
