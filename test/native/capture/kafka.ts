const int = (size: number, value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes.subarray(8 - size);
};

/** Big-endian numbers. */
export const i8 = (value: number): Buffer => int(1, value);
export const i16 = (value: number): Buffer => int(2, value);
export const i32 = (value: number): Buffer => int(4, value);
export const i64 = (value: number | bigint): Buffer => int(8, value);

const varint = (value: number): Buffer =>
  value < 128
    ? Buffer.from([value])
    : Buffer.concat([Buffer.from([128 | (value & 127)]), varint(value >>> 7)]);

/** No tagged fields, and one that nobody knows. */
export const tags = Buffer.from([0]);
export const oneTag = Buffer.from([1, 99, 3, 1, 2, 3]);

/** How versions before and since KIP-482 write texts, bytes and lists. */
export const plain = {
  text: (value: string | null): Buffer =>
    value === null ? i16(-1) : Buffer.concat([i16(Buffer.byteLength(value)), Buffer.from(value)]),
  bytes: (value: Uint8Array | null): Buffer =>
    value === null ? i32(-1) : Buffer.concat([i32(value.length), value]),
  list: (...entries: readonly Uint8Array[]): Buffer =>
    Buffer.concat([i32(entries.length), ...entries]),
};
export const compact: typeof plain = {
  text: (value) =>
    value === null
      ? varint(0)
      : Buffer.concat([varint(Buffer.byteLength(value) + 1), Buffer.from(value)]),
  bytes: (value) => (value === null ? varint(0) : Buffer.concat([varint(value.length + 1), value])),
  list: (...entries) => Buffer.concat([varint(entries.length + 1), ...entries]),
};

const frame = (...parts: readonly Uint8Array[]): Buffer => plain.bytes(Buffer.concat(parts));

/** A request; `flexible` ones have tagged fields behind the header. */
export const request = (
  key: number,
  version: number,
  correlation: number,
  body: readonly Uint8Array[],
  { flexible = false, client = 'shop-1' }: { flexible?: boolean; client?: string | null } = {},
): Buffer =>
  frame(
    i16(key),
    i16(version),
    i32(correlation),
    plain.text(client),
    ...(flexible ? [oneTag] : []),
    ...body,
  );

/** A response. */
export const response = (
  correlation: number,
  body: readonly Uint8Array[],
  flexible = false,
): Buffer => frame(i32(correlation), ...(flexible ? [oneTag] : []), ...body);

/** A record batch of `count` records that take `size` bytes. */
export const batch = (count: number, size = 40, offset: number | bigint = 0): Buffer =>
  Buffer.concat([
    i64(offset),
    i32(49 + size),
    i32(0),
    i8(2),
    i32(0x1234),
    i16(0),
    i32(count - 1),
    i64(1),
    i64(2),
    i64(-1),
    i16(-1),
    i32(-1),
    i32(count),
    Buffer.alloc(size, 'v'),
  ]);

/** ApiVersions 3 and its answer, as clients begin with. */
export const hello = (correlation: number): readonly [Buffer, Buffer] => [
  request(18, 3, correlation, [compact.text('lib'), compact.text('1.0'), tags], { flexible: true }),
  response(correlation, [
    i16(0),
    compact.list(Buffer.concat([i16(0), i16(0), i16(9), tags])),
    i32(0),
    tags,
  ]),
];

/** Produce 9 of one batch to one partition, and its answer. */
export const produce = (
  correlation: number,
  { topic = 'orders', acks = -1, records = batch(3), code = 0, offset = 42 } = {},
): readonly [Buffer, Buffer] => [
  request(
    0,
    9,
    correlation,
    [
      compact.text(null),
      i16(acks),
      i32(30_000),
      compact.list(
        Buffer.concat([
          compact.text(topic),
          compact.list(Buffer.concat([i32(2), compact.bytes(records), tags])),
          tags,
        ]),
      ),
      tags,
    ],
    { flexible: true },
  ),
  response(
    correlation,
    [
      compact.list(
        Buffer.concat([
          compact.text(topic),
          compact.list(
            Buffer.concat([
              i32(2),
              i16(code),
              i64(code === 0 ? offset : -1),
              i64(-1),
              i64(0),
              compact.list(),
              compact.text(null),
              tags,
            ]),
          ),
          tags,
        ]),
      ),
      i32(0),
      tags,
    ],
    true,
  ),
];

/** Fetch 11 of one partition, and its answer. */
export const fetch = (
  correlation: number,
  { topic = 'orders', records = batch(5, 40, 100), code = 0, throttle = 0 } = {},
): readonly [Buffer, Buffer] => [
  request(1, 11, correlation, [
    i32(-1),
    i32(500),
    i32(1),
    i32(52_428_800),
    i8(0),
    i32(0),
    i32(-1),
    plain.list(
      Buffer.concat([
        plain.text(topic),
        plain.list(Buffer.concat([i32(2), i32(-1), i64(100), i64(-1), i32(1_048_576)])),
      ]),
    ),
    plain.list(),
    plain.text(''),
  ]),
  response(correlation, [
    i32(throttle),
    i16(0),
    i32(0),
    plain.list(
      Buffer.concat([
        plain.text(topic),
        plain.list(
          Buffer.concat([
            i32(2),
            i16(code),
            i64(105),
            i64(105),
            i64(0),
            i32(-1),
            i32(-1),
            plain.bytes(records),
          ]),
        ),
      ]),
    ),
  ]),
];

/** Heartbeat 3 of a group, and its answer. */
export const heartbeat = (correlation: number, code = 0): readonly [Buffer, Buffer] => [
  request(12, 3, correlation, [plain.text('billing'), i32(7), plain.text('m-1'), plain.text(null)]),
  response(correlation, [i32(0), i16(code)]),
];
