import fc from 'fast-check';
import type { AttributePair, AttributeValue, TestResource, TestSpan } from './otlp-encoder.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 });
const nanoseconds = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const id = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: size, maxLength: size }).filter((bytes) => bytes.some((b) => b > 0));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const value: fc.Arbitrary<AttributeValue> = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.boolean(),
    int64,
    fc.double(),
    fc.uint8Array({ maxLength: 9 }),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(text, tie('value')), { maxLength: 3 })
      .map((list) => ({ list: list.map(([key, item]): AttributePair => [key, item]) })),
  ),
})).value;

const pairs = fc.uniqueArray(
  fc.tuple(
    text.map((key) => `k.${key}`),
    value,
  ),
  { maxLength: 5, selector: ([key]) => key },
);

const span = fc.record<TestSpan>({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: fc.oneof(id(8), fc.constant(new Uint8Array(0))),
  traceState: text,
  name: text,
  kind: fc.integer({ min: 0, max: 5 }),
  start: nanoseconds,
  end: nanoseconds,
  flags: fc.nat(0xffff_ffff),
  attributes: pairs,
  events: fc.array(fc.record({ time: nanoseconds, name: text, attributes: pairs }), {
    maxLength: 3,
  }),
  links: fc.array(
    fc.record({ traceId: id(16), spanId: id(8), traceState: text, attributes: pairs }),
    { maxLength: 3 },
  ),
  status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text }),
});

export const resource = fc.record<TestResource>({
  attributes: pairs,
  scope: fc.record({ name: text, version: text, attributes: pairs }),
  spans: fc.array(span, { maxLength: 4 }),
});

/** As the OpenTelemetry Collector prints attribute values; written apart from the decoder. */
function print(item: AttributeValue): string {
  if (item === null) return '';
  if (typeof item === 'string') return item;
  if (item instanceof Uint8Array) return Buffer.from(item).toString('base64');
  if (typeof item === 'number' && !Number.isFinite(item)) return printInfinite(item);
  return json(item);
}

function json(item: AttributeValue): string {
  if (item === null) return 'null';
  if (typeof item === 'string') return jsonText(item);
  if (typeof item === 'boolean' || typeof item === 'bigint') return String(item);
  if (typeof item === 'number') {
    if (!Number.isFinite(item)) return jsonText(printInfinite(item));
    return Object.is(item, -0) ? '-0' : String(item);
  }
  if (item instanceof Uint8Array) return jsonText(Buffer.from(item).toString('base64'));
  if ('list' in item)
    return `{${item.list.map(([key, inner]) => `${jsonText(key)}:${json(inner)}`).join(',')}}`;
  return `[${item.map(json).join(',')}]`;
}

function jsonText(item: string): string {
  let out = '"';
  for (const character of item) {
    const code = character.codePointAt(0) ?? 0;
    if (character === '"' || character === '\\') out += `\\${character}`;
    else if (code < 0x20) out += `\\u${code.toString(16).padStart(4, '0')}`;
    else out += character;
  }
  return `${out}"`;
}

const printInfinite = (item: number): string =>
  Number.isNaN(item) ? 'NaN' : item > 0 ? '+Inf' : '-Inf';

/** Attributes as the map column has them. */
export const printed = (list: readonly AttributePair[] = [], prefix = ''): [string, string][] =>
  list.map(([key, item]) => [`${prefix}${key}`, print(item)]);
