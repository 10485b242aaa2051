/** The value of an attribute. */
export type AttributeValue = boolean | number | string | readonly AttributeValue[];

/** Attributes by their names. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Something that happened within a span. */
export interface OtlpEvent {
  readonly name: string;
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
  readonly attributes: Attributes;
}

/** What of an OTLP span is shown. */
export interface OtlpSpan {
  readonly name: string;
  /** SpanKind of OTLP: 2 is SERVER, 3 is CLIENT. */
  readonly kind: number;
  /** Unix nanoseconds. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly OtlpEvent[];
}

/** Reads protobuf fields that follow each other, up to the end of their message. */
class Message {
  #at: number;
  readonly #bytes: Buffer;
  readonly #end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** The tag of the next field, 0 at the end. */
  tag(): number {
    return this.#at < this.#end ? this.varint() : 0;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  message(): Message {
    const size = this.varint();
    this.#at += size;
    return new Message(this.#bytes, this.#at - size, this.#at);
  }

  text(): string {
    const size = this.varint();
    this.#at += size;
    return this.#bytes.toString('utf8', this.#at - size, this.#at);
  }

  fixed64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigUInt64LE(this.#at - 8);
  }

  /** Steps over the value of a field that is not known. */
  skip(tag: number): void {
    const type = tag & 7;
    if (type === 0) this.varint();
    else if (type === 1) this.#at += 8;
    else if (type === 5) this.#at += 4;
    else this.message();
  }
}

const field = (number: number, type: 0 | 1 | 2): number => (number << 3) | type;

function anyValue(message: Message): AttributeValue {
  let value: AttributeValue = '';
  for (let tag = message.tag(); tag !== 0; tag = message.tag()) {
    if (tag === field(1, 2)) value = message.text();
    else if (tag === field(2, 0)) value = message.varint() === 1;
    else if (tag === field(3, 0)) value = message.varint();
    else if (tag === field(5, 2)) value = list(message.message());
    else message.skip(tag);
  }
  return value;
}

function list(message: Message): AttributeValue[] {
  const values: AttributeValue[] = [];
  for (let tag = message.tag(); tag !== 0; tag = message.tag()) {
    if (tag === field(1, 2)) values.push(anyValue(message.message()));
    else message.skip(tag);
  }
  return values;
}

function putAttribute(message: Message, into: Record<string, AttributeValue>): void {
  let key = '';
  for (let tag = message.tag(); tag !== 0; tag = message.tag()) {
    if (tag === field(1, 2)) key = message.text();
    else if (tag === field(2, 2)) into[key] = anyValue(message.message());
    else message.skip(tag);
  }
}

function event(message: Message): OtlpEvent {
  const attributes: Record<string, AttributeValue> = {};
  let [name, timeNs] = ['', 0n];
  for (let tag = message.tag(); tag !== 0; tag = message.tag()) {
    if (tag === field(1, 1)) timeNs = message.fixed64();
    else if (tag === field(2, 2)) name = message.text();
    else if (tag === field(3, 2)) putAttribute(message.message(), attributes);
    else message.skip(tag);
  }
  return { name, timeNs, attributes };
}

function span(message: Message): OtlpSpan {
  const attributes: Record<string, AttributeValue> = {};
  const events: OtlpEvent[] = [];
  let [name, kind, startNs, endNs] = ['', 0, 0n, 0n];
  for (let tag = message.tag(); tag !== 0; tag = message.tag()) {
    if (tag === field(5, 2)) name = message.text();
    else if (tag === field(6, 0)) kind = message.varint();
    else if (tag === field(7, 1)) startNs = message.fixed64();
    else if (tag === field(8, 1)) endNs = message.fixed64();
    else if (tag === field(9, 2)) putAttribute(message.message(), attributes);
    else if (tag === field(11, 2)) events.push(event(message.message()));
    else message.skip(tag);
  }
  return { name, kind, startNs, endNs, attributes, events };
}

/** Every span of the native core's OTLP `TracesData`: field 1 → 2 → 2 (ResourceSpans, ScopeSpans, Span). */
export function* otlpSpans(otlp: Buffer): Generator<OtlpSpan, void, void> {
  yield* spansBelow(new Message(otlp), [1, 2, 2]);
}

function* spansBelow(
  message: Message,
  [number = 0, ...deeper]: readonly number[],
): Generator<OtlpSpan, void, void> {
  for (let tag = message.tag(); tag !== 0; tag = message.tag()) {
    if (tag !== field(number, 2)) message.skip(tag);
    else if (deeper.length === 0) yield span(message.message());
    else yield* spansBelow(message.message(), deeper);
  }
}
