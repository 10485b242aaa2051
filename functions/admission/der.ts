/*
 * DER, written only: https://www.itu.int/rec/T-REC-X.690. What is read of certificates, Node's own parser reads.
 */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function encoded(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** Short form below 128, else the bytes of the number behind their own count. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

/** A list of elements, in their order. */
export const sequence = (...elements: readonly Uint8Array[]): Buffer =>
  encoded(tags.sequence, Buffer.concat(elements));

/** A set of one element: several would have to be sorted. */
export const setOf = (element: Uint8Array): Buffer => encoded(tags.set, element);

/** A number that is not negative, from its bytes, the highest first. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Buffer.from([0]) : Buffer.from(bytes.subarray(first));
  // The highest bit is the sign.
  const isSigned = (digits[0] ?? 0) >= 0x80;
  return encoded(tags.integer, isSigned ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

/** True; what is false is left out where it is the default. */
export const yes = (): Buffer => encoded(tags.boolean, Buffer.from([0xff]));

/** Bits, of which the last `unused` of the last byte do not count. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer =>
  encoded(tags.bitString, Buffer.concat([Buffer.from([unused]), bytes]));

/** Bytes. */
export const octetString = (bytes: Uint8Array): Buffer => encoded(tags.octetString, bytes);

/** A text. */
export const utf8String = (text: string): Buffer => encoded(tags.utf8String, Buffer.from(text));

/** An identifier from its numbers with dots between them. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((number) => base128(number));
  return encoded(tags.objectIdentifier, Buffer.from(bytes));
}

/** Seven bits a byte, the highest first; all but the last have the eighth set. */
function base128(number: number): number[] {
  const bytes = [number % 128];
  for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
    bytes.unshift((left % 128) + 128);
  }
  return bytes;
}

/** A time in whole seconds, UTC, in the form that RFC 5280 §4.1.2.5 asks for its year. */
export function time(unixMs: number): Buffer {
  const digits = new Date(unixMs).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return Number(digits.slice(0, 4)) < 2050
    ? encoded(tags.utcTime, Buffer.from(digits.slice(2)))
    : encoded(tags.generalizedTime, Buffer.from(digits));
}

/** Elements within a tag of their context, such as [3]. */
export const explicit = (tag: number, element: Uint8Array): Buffer => encoded(0xa0 | tag, element);

/** Bytes under a tag of their context in place of their own. */
export const implicit = (tag: number, bytes: Uint8Array): Buffer => encoded(0x80 | tag, bytes);
