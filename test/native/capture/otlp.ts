/** A value of an attribute; `true` is 1, and lists are joined by `, `. */
export type AttributeValue = string | number;

/** An event of a span; Unix ns. */
export interface DecodedEvent {
  readonly name: string;
  readonly timeNs: bigint;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A link to another span. */
export interface DecodedLink {
  readonly traceId: string;
  readonly spanId: string;
}

/** A decoded span with the resource of its pod; times are Unix ns. */
export interface DecodedSpan {
  readonly resource: Readonly<Record<string, AttributeValue>>;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly events: readonly DecodedEvent[];
  readonly links: readonly DecodedLink[];
  /** 2 = ERROR. */
  readonly status: number;
  readonly flags: number;
}

type Field = { readonly number: number; readonly bytes: Buffer; readonly value: bigint };

function* fields(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (size: number): Buffer => {
    if (at + size > message.length) throw new RangeError('truncated protobuf');
    at += size;
    return message.subarray(at - size, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    const empty = Buffer.alloc(0);
    switch (tag & 7) {
      case 0:
        yield { number, value: varint(), bytes: empty };
        break;
      case 1:
        yield { number, value: take(8).readBigUInt64LE(), bytes: empty };
        break;
      case 2:
        yield { number, value: 0n, bytes: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: BigInt(take(4).readUInt32LE()), bytes: empty };
        break;
      default:
        throw new RangeError(`wire type ${tag & 7}`);
    }
  }
}

const all = (message: Buffer, number: number): Field[] =>
  [...fields(message)].filter((field) => field.number === number);
const bytesOf = (message: Buffer, number: number): Buffer =>
  all(message, number)[0]?.bytes ?? Buffer.alloc(0);
const valueOf = (message: Buffer, number: number): bigint => all(message, number)[0]?.value ?? 0n;
const strict = new TextDecoder('utf-8', { fatal: true });

function anyValue(value: Buffer): AttributeValue {
  const [field] = fields(value);
  switch (field?.number) {
    case 1:
      return strict.decode(field.bytes);
    case 2:
    case 3:
      return Number(field.value);
    case 5:
      return all(field.bytes, 1)
        .map(({ bytes }) => strict.decode(bytesOf(bytes, 1)))
        .join(', ');
    default:
      throw new RangeError(`value of kind ${field?.number}`);
  }
}

function attributes(message: Buffer, number: number): Record<string, AttributeValue> {
  return Object.fromEntries(
    all(message, number).map(({ bytes }) => [
      strict.decode(bytesOf(bytes, 1)),
      anyValue(bytesOf(bytes, 2)),
    ]),
  );
}

const events = (span: Buffer): DecodedEvent[] =>
  all(span, 11).map(({ bytes }) => ({
    name: strict.decode(bytesOf(bytes, 2)),
    timeNs: valueOf(bytes, 1),
    attributes: attributes(bytes, 3),
  }));

/** Every span of an OTLP `TracesData`; throws where the bytes are not well-formed. */
export function decodeSpans(otlp: Buffer): DecodedSpan[] {
  return all(otlp, 1).flatMap((resourceSpans) => {
    const resource = attributes(bytesOf(resourceSpans.bytes, 1), 1);
    return all(resourceSpans.bytes, 2).flatMap((scopeSpans) => {
      const scope = strict.decode(bytesOf(bytesOf(scopeSpans.bytes, 1), 1));
      return all(scopeSpans.bytes, 2).map(({ bytes }) => ({
        resource,
        scope,
        traceId: bytesOf(bytes, 1).toString('hex'),
        spanId: bytesOf(bytes, 2).toString('hex'),
        traceState: strict.decode(bytesOf(bytes, 3)),
        parentSpanId: bytesOf(bytes, 4).toString('hex'),
        name: strict.decode(bytesOf(bytes, 5)),
        kind: Number(valueOf(bytes, 6)),
        startNs: valueOf(bytes, 7),
        endNs: valueOf(bytes, 8),
        attributes: attributes(bytes, 9),
        events: events(bytes),
        links: all(bytes, 13).map((link) => ({
          traceId: bytesOf(link.bytes, 1).toString('hex'),
          spanId: bytesOf(link.bytes, 2).toString('hex'),
        })),
        status: Number(valueOf(bytesOf(bytes, 15), 3)),
        flags: Number(valueOf(bytes, 16)),
      }));
    });
  });
}
