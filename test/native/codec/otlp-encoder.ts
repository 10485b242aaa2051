/** An attribute value as OTLP has them; numbers are doubles, bigints are integers. */
export type AttributeValue =
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | readonly AttributeValue[]
  | { readonly list: readonly AttributePair[] }
  | null;

export type AttributePair = readonly [key: string, value: AttributeValue];

export interface TestSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId?: Uint8Array;
  readonly traceState?: string;
  readonly name: string;
  readonly kind?: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly flags?: number;
  readonly attributes?: readonly AttributePair[];
  readonly events?: readonly {
    readonly time: bigint;
    readonly name: string;
    readonly attributes?: readonly AttributePair[];
  }[];
  readonly links?: readonly {
    readonly traceId: Uint8Array;
    readonly spanId: Uint8Array;
    readonly traceState?: string;
    readonly attributes?: readonly AttributePair[];
  }[];
  readonly status?: { readonly code: number; readonly message?: string };
}

export interface TestResource {
  readonly attributes?: readonly AttributePair[];
  readonly scope?: {
    readonly name: string;
    readonly version?: string;
    readonly attributes?: readonly AttributePair[];
  };
  readonly spans: readonly TestSpan[];
}

const utf8 = new TextEncoder();

export function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

const tag = (field: number, wire: number): number[] => varint(BigInt((field << 3) | wire));

export const bytesField = (field: number, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...tag(field, 2), ...varint(BigInt(body.length))]), body]);

const textField = (field: number, text: string | undefined): Buffer =>
  text === undefined ? Buffer.alloc(0) : bytesField(field, utf8.encode(text));

export const varintField = (field: number, value: bigint): Buffer =>
  Buffer.from([...tag(field, 0), ...varint(value)]);

export function fixed64Field(field: number, value: bigint): Buffer {
  const out = Buffer.from([...tag(field, 1), 0, 0, 0, 0, 0, 0, 0, 0]);
  out.writeBigUInt64LE(BigInt.asUintN(64, value), out.length - 8);
  return out;
}

function fixed32Field(field: number, value: number): Buffer {
  const out = Buffer.from([...tag(field, 5), 0, 0, 0, 0]);
  out.writeUInt32LE(value, out.length - 4);
  return out;
}

function doubleField(field: number, value: number): Buffer {
  const out = Buffer.from([...tag(field, 1), 0, 0, 0, 0, 0, 0, 0, 0]);
  out.writeDoubleLE(value, out.length - 8);
  return out;
}

export function anyValue(value: AttributeValue): Buffer {
  if (value === null) return Buffer.alloc(0);
  if (typeof value === 'string') return textField(1, value);
  if (typeof value === 'boolean') return varintField(2, value ? 1n : 0n);
  if (typeof value === 'bigint') return varintField(3, value);
  if (typeof value === 'number') return doubleField(4, value);
  if (value instanceof Uint8Array) return bytesField(7, value);
  if ('list' in value) return bytesField(6, attributes(1, value.list));
  return bytesField(5, Buffer.concat(value.map((item) => bytesField(1, anyValue(item)))));
}

function attributes(field: number, pairs: readonly AttributePair[] = []): Buffer {
  return Buffer.concat(
    pairs.map(([key, value]) =>
      bytesField(field, Buffer.concat([textField(1, key), bytesField(2, anyValue(value))])),
    ),
  );
}

export function encodeSpan(span: TestSpan): Buffer {
  const { parentSpanId, kind, flags, status, events = [], links = [] } = span;
  return Buffer.concat([
    bytesField(1, span.traceId),
    bytesField(2, span.spanId),
    textField(3, span.traceState),
    parentSpanId ? bytesField(4, parentSpanId) : Buffer.alloc(0),
    textField(5, span.name),
    kind === undefined ? Buffer.alloc(0) : varintField(6, BigInt(kind)),
    fixed64Field(7, span.start),
    fixed64Field(8, span.end),
    attributes(9, span.attributes),
    ...events.map((event) =>
      bytesField(
        11,
        Buffer.concat([
          fixed64Field(1, event.time),
          textField(2, event.name),
          attributes(3, event.attributes),
        ]),
      ),
    ),
    ...links.map((link) =>
      bytesField(
        13,
        Buffer.concat([
          bytesField(1, link.traceId),
          bytesField(2, link.spanId),
          textField(3, link.traceState),
          attributes(4, link.attributes),
        ]),
      ),
    ),
    status
      ? bytesField(
          15,
          Buffer.concat([textField(2, status.message), varintField(3, BigInt(status.code))]),
        )
      : Buffer.alloc(0),
    flags === undefined ? Buffer.alloc(0) : fixed32Field(16, flags),
  ]);
}

/** `TracesData` as an SDK would send it; independent of the decoder under test. */
export function encodeTraces(resources: readonly TestResource[]): Buffer {
  return Buffer.concat(
    resources.map((resource) => {
      const { scope } = resource;
      const scopeSpans = Buffer.concat([
        scope
          ? bytesField(
              1,
              Buffer.concat([
                textField(1, scope.name),
                textField(2, scope.version),
                attributes(3, scope.attributes),
              ]),
            )
          : Buffer.alloc(0),
        ...resource.spans.map((span) => bytesField(2, encodeSpan(span))),
      ]);
      return bytesField(
        1,
        Buffer.concat([
          bytesField(1, attributes(1, resource.attributes)),
          bytesField(2, scopeSpans),
        ]),
      );
    }),
  );
}

/** A span with only what is needed. */
export const plain: TestSpan = {
  traceId: Buffer.alloc(16, 1),
  spanId: Buffer.alloc(8, 2),
  name: 'GET',
  start: 1_000n,
  end: 3_000n,
};

/** One span, plain but for what is given. */
export const encodeOne = (span: Partial<TestSpan>, resource: Partial<TestResource> = {}): Buffer =>
  encodeTraces([{ ...resource, spans: [{ ...plain, ...span }] }]);

/** Bytes of one span below the messages that have to surround it. */
export const wrap = (span: Buffer): Buffer => bytesField(1, bytesField(2, bytesField(2, span)));
