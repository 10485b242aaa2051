import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { CloverError } from '../../../functions/lib/errors.ts';
import { createTraceDecoder } from '../../../native/codec/codec.ts';
import {
  bytesField,
  encodeOne,
  encodeTraces,
  plain,
  varintField,
  wrap,
  type AttributeValue,
} from './otlp-encoder.ts';

const decoder = createTraceDecoder();

/** The malformed reason, or undefined when the bytes are OTLP; anything else is thrown on. */
function reasonOf(otlp: Uint8Array): string | undefined {
  try {
    decoder.decodeTraces(otlp);
    return undefined;
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_TELEMETRY_MALFORMED')
      return error.details[0]?.message;
    throw error;
  }
}

const nested = (depth: number): AttributeValue => (depth === 0 ? 'x' : [nested(depth - 1)]);
const badText = Buffer.from([0xc0, 0x80]);
const malformed: readonly [reason: string, otlp: Buffer][] = [
  ['truncated varint', Buffer.from([0x80])],
  ['varint longer than 64 bits', Buffer.from([...Buffer.alloc(9, 0xff), 0x02])],
  ['tag out of range', Buffer.from([...Buffer.alloc(9, 0xff), 0x01])],
  ['field number 0', Buffer.from([0x02, 0x00])],
  ['unsupported wire type', Buffer.from([0x0b])],
  ['wrong wire type, expected bytes', varintField(1, 1n)],
  ['wrong wire type, expected 64 bits', wrap(varintField(7, 1n))],
  ['truncated bytes', Buffer.from([0x0a, 0x05, 0x00])],
  ['truncated fixed-width value', wrap(Buffer.from([0x39, 1, 2]))],
  ['trace id is not 16 bytes', encodeOne({ traceId: Buffer.alloc(8, 1) })],
  ['trace id is zero', encodeOne({ traceId: Buffer.alloc(16) })],
  ['span id is not 8 bytes', encodeOne({ spanId: Buffer.alloc(16, 1) })],
  ['span id is not 8 bytes', encodeOne({ parentSpanId: Buffer.alloc(7, 1) })],
  ['span without trace_id', wrap(bytesField(2, plain.spanId))],
  ['span without span_id', wrap(bytesField(1, plain.traceId))],
  ['invalid UTF-8', wrap(bytesField(5, badText))],
  ['invalid UTF-8', wrap(bytesField(5, Buffer.from([0xed, 0xa0, 0x80])))],
  ['time after the year 2262', encodeOne({ start: 2n ** 63n })],
  ['attribute nested too deep', encodeOne({ attributes: [['k', nested(40)]] })],
];
for (const [index, [reason, otlp]] of malformed.entries()) {
  test(`refused with its reason (${index + 1}): ${reason}`, (t) => {
    t.is(reasonOf(otlp), reason);
  });
}

test('nesting up to the limit is taken', (t) => {
  t.is(reasonOf(encodeOne({ attributes: [['k', nested(32)]] })), undefined);
});

test('the error names the byte at which the input went wrong', (t) => {
  const bytes = encodeOne({});
  const error = t.throws(() => decoder.decodeTraces(bytes.subarray(0, bytes.length - 1)), {
    instanceOf: CloverError,
  });
  t.is(error?.code, 'CLV_TELEMETRY_MALFORMED');
  t.is(error?.message, 'not OTLP traces: truncated bytes at byte 1');
});

test('a resource repeated on too many spans is refused before memory ends', (t) => {
  const otlp = encodeTraces([
    {
      attributes: [['big', 'x'.repeat(1024 ** 2)]],
      spans: Array.from({ length: 300 }, () => plain),
    },
  ]);
  t.is(reasonOf(otlp), 'expands to more than 256 MiB of columns');
});

test('no input is an empty block', (t) => {
  t.is(decoder.decodeTraces(new Uint8Array()).spans, 0);
});

test('every cut of a good input is refused, and never a crash', (t) => {
  const bytes = encodeTraces([
    {
      attributes: [['a', ['x', 1n, { list: [['b', true]] }]]],
      scope: { name: 's' },
      spans: [{ ...plain, attributes: [['k', 1.5]], status: { code: 2, message: 'm' } }],
    },
  ]);
  for (let size = 1; size < bytes.length; size++) t.truthy(reasonOf(bytes.subarray(0, size)));
});

test('random and damaged bytes are decoded or refused, nothing else', (t) => {
  const good = encodeOne({ attributes: [['k', ['v']]] }, { attributes: [['service.name', 's']] });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(good.length - 1), (noise, at) => {
      reasonOf(noise);
      const damaged = Buffer.from(good);
      damaged.set(noise.subarray(0, good.length - at), at);
      reasonOf(damaged);
    }),
    { numRuns: 3_000 },
  );
  for (let i = 0; i < 200; i++) reasonOf(randomBytes(4_096));
  t.pass();
});
