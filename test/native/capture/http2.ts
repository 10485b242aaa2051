/** Types of HTTP/2 frames (RFC 9113 §6). */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of HTTP/2 frames. */
export const frameFlag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** What a client begins with. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** One frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** SETTINGS of pairs of identifier and value. */
export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  frame(
    frameType.settings,
    0,
    0,
    Buffer.concat(pairs.flatMap(([id, value]) => [Buffer.from([id >> 8, id & 255]), u32(value)])),
  );

/** RST_STREAM. */
export const reset = (stream: number, code: number): Buffer =>
  frame(frameType.reset, 0, stream, u32(code));

/** GOAWAY. */
export const goAway = (last: number, code = 0): Buffer =>
  frame(frameType.goAway, 0, 0, Buffer.concat([u32(last), u32(code), Buffer.from('bye')]));

/** DATA. */
export const data = (stream: number, body: Uint8Array | string, end = true): Buffer =>
  frame(frameType.data, end ? frameFlag.endStream : 0, stream, Buffer.from(body));

/** HEADERS, and CONTINUATION where the block is cut into parts of `part` bytes. */
export function headers(stream: number, block: Uint8Array, end = false, part = 16_384): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += part) {
    const last = at + part >= block.length ? frameFlag.endHeaders : 0;
    const first = at === 0;
    const flags = last | (first && end ? frameFlag.endStream : 0);
    const type = first ? frameType.headers : frameType.continuation;
    frames.push(frame(type, flags, stream, block.subarray(at, at + part)));
  }
  return Buffer.concat(frames);
}

/** A header field as name and value. */
export type HeaderField = readonly [name: string, value: string];

/** How an encoder writes a field. */
export type Form = 'indexed' | 'incremental' | 'plain' | 'never';

const staticTable: readonly HeaderField[] = `:authority|
:method|GET
:method|POST
:path|/
:path|/index.html
:scheme|http
:scheme|https
:status|200
:status|204
:status|206
:status|304
:status|400
:status|404
:status|500
accept-charset|
accept-encoding|gzip, deflate
accept-language|
accept-ranges|
accept|
access-control-allow-origin|
age|
allow|
authorization|
cache-control|
content-disposition|
content-encoding|
content-language|
content-length|
content-location|
content-range|
content-type|
cookie|
date|
etag|
expect|
expires|
from|
host|
if-match|
if-modified-since|
if-none-match|
if-range|
if-unmodified-since|
last-modified|
link|
location|
max-forwards|
proxy-authenticate|
proxy-authorization|
range|
referer|
refresh|
retry-after|
server|
set-cookie|
strict-transport-security|
transfer-encoding|
user-agent|
vary|
via|
www-authenticate|`
  .split('\n')
  .map((line) => [line.split('|')[0] ?? '', line.split('|')[1] ?? '']);

/** An integer with a prefix of `bits` (RFC 7541 §5.1). */
export function integer(value: number, bits: number, pattern: number): Buffer {
  const limit = 2 ** bits - 1;
  if (value < limit) return Buffer.from([pattern | value]);
  const bytes = [pattern | limit];
  for (value -= limit; value >= 128; value = Math.floor(value / 128))
    bytes.push(128 | (value % 128));
  return Buffer.from([...bytes, value]);
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
};

/** Bits of the index and pattern before them, of literals (RFC 7541 §6.2). */
const patterns: Readonly<Record<Form, readonly [bits: number, pattern: number]>> = {
  indexed: [6, 0x40],
  incremental: [6, 0x40],
  plain: [4, 0],
  never: [4, 0x10],
};

/** A plain HPACK encoder with a table of its own; no Huffman code. */
export class HpackEncoder {
  private table: HeaderField[] = [];
  private limit = 4096;

  /** An update of the table's size. */
  resize(limit: number): Buffer {
    this.limit = limit;
    this.evict();
    return integer(limit, 5, 0x20);
  }

  /** A block of fields, each written in its form; `indexed` falls back to `incremental`. */
  encode(
    fields: readonly HeaderField[],
    form: Form | ((index: number) => Form) = 'indexed',
  ): Buffer {
    return Buffer.concat(
      fields.map((field, index) =>
        this.field(field, typeof form === 'string' ? form : form(index)),
      ),
    );
  }

  private field([name, value]: HeaderField, form: Form): Buffer {
    const all = [...staticTable, ...this.table];
    const same = all.findIndex(([n, v]) => n === name && v === value) + 1;
    if (form === 'indexed' && same > 0) return integer(same, 7, 0x80);
    const named = all.findIndex(([n]) => n === name) + 1;
    const [bits, pattern] = patterns[form];
    if (bits === 6) this.insert([name, value]);
    return Buffer.concat([
      integer(named, bits, pattern),
      ...(named === 0 ? [text(name)] : []),
      text(value),
    ]);
  }

  private insert(field: HeaderField): void {
    const size = field[0].length + field[1].length + 32;
    this.table = size > this.limit ? [] : [field, ...this.table];
    this.evict();
  }

  private evict(): void {
    const size = (): number =>
      this.table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.limit) this.table.pop();
  }
}
