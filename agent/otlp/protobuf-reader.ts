/** One field of a message of protobuf's wire format. */
export interface ProtobufField {
  readonly number: number;
  /** Of a varint; 0 for others. */
  readonly value: number;
  /** Of a length-delimited field; empty for others. */
  readonly bytes: Buffer;
  /** Where it begins, with its tag, and where the next one does. */
  readonly start: number;
  readonly end: number;
}

const nothing = Buffer.alloc(0);

/**
 * The fields of a message, in order; ends where the bytes are none (https://protobuf.dev/programming-guides/encoding/).
 * Numbers beyond 2^53 lose their last digits.
 */
export function* protobufFields(message: Buffer): Generator<ProtobufField> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < message.length; scale *= 128) {
      const byte = message[at] ?? 0;
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const start = at;
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    let value = 0;
    let bytes: Buffer = nothing;
    if (type === 0) {
      value = varint();
    } else {
      const size = type === 2 ? varint() : type === 1 ? 8 : type === 5 ? 4 : Number.NaN;
      if (!(at + size <= message.length)) return;
      if (type === 2) bytes = message.subarray(at, at + size);
      at += size;
    }
    if (Number.isNaN(value)) return;
    yield { number, value, bytes, start, end: at };
  }
}

/** The first field of that number. */
export function protobufField(message: Buffer, number: number): ProtobufField | undefined {
  for (const field of protobufFields(message)) if (field.number === number) return field;
  return undefined;
}
