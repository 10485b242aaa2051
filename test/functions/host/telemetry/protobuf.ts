/** The fields of a protobuf message by number: varints and fixed64 as numbers or bigints, the rest as bytes. */
export type Message = ReadonlyMap<number, readonly Field[]>;

/** A value as the wire has it. */
export type Field = bigint | Uint8Array;

/** Reads a message by the wire format alone (protobuf.dev/programming-guides/encoding); throws when it is none. */
export function readMessage(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<number, Field[]>();
  let at = 0;
  const take = (length: number): number => {
    const from = at;
    at += length;
    if (at > bytes.length) throw new Error('the message ends in the middle of a field');
    return from;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(take(1));
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      if (shift > 63n) throw new Error('a varint is too long');
    }
  };
  const value = (wireType: number): Field => {
    if (wireType === 0) return varint();
    if (wireType === 1) return view.getBigUint64(take(8), true);
    if (wireType === 5) return BigInt(view.getUint32(take(4), true));
    if (wireType !== 2) throw new Error(`wire type ${wireType}`);
    const length = Number(varint());
    const from = take(length);
    return bytes.subarray(from, from + length);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = tag >> 3;
    fields.set(field, [...(fields.get(field) ?? []), value(tag & 7)]);
  }
  return fields;
}

/** Messages of a repeated field. */
export function messagesOf(message: Message, field: number): readonly Message[] {
  return (message.get(field) ?? []).map((value) => readMessage(bytesOf(value)));
}

/** A text; empty when it is not there. */
export function textOf(message: Message, field: number): string {
  return Buffer.from(bytesOf(message.get(field)?.[0])).toString('utf8');
}

/** Bytes in hexadecimal; empty when they are not there. */
export function hexOf(message: Message, field: number): string {
  return Buffer.from(bytesOf(message.get(field)?.[0])).toString('hex');
}

/** A number; 0 when it is not there. */
export function numberOf(message: Message, field: number): number {
  const value = message.get(field)?.[0] ?? 0n;
  if (typeof value !== 'bigint') throw new Error(`field ${field} is no number`);
  return Number(value);
}

function bytesOf(value: Field | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array();
  if (typeof value === 'bigint') throw new Error('a number where bytes should be');
  return value;
}
