/** A trace id of W3C. */
export const trace = '0af7651916cd43dd8448eb211c80319c';
/** The id of a span. */
export const parent = 'b7ad6b7169203331';
/** A trace id of 64 bits. */
export const short = 'a3ce929d0e0e4736';
/** The same as 128 bits. */
export const widened = `0000000000000000${short}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const sampledFlags = 0x301;
const unsampledFlags = 0x300;

/** Header fields. */
export type Headers = readonly (readonly [name: string, value: string])[];

/** The request's head with its end. */
export const headOf = (headers: Headers): string =>
  `${['GET /p HTTP/1.1', 'Host: a', ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`;

/** A trace id of SkyWalking. */
export const uuid = '56a5e1c519ae4c76a2b8b11d92cead7f';
/** The id of a segment of SkyWalking. */
export const segment = 'c1d2e3f405162738495a6b7c8d9eafb0';
/** A header of SkyWalking. */
export const sw8 = (id: string, of: string, index: string, sample = '1'): string =>
  [sample, base64(id), base64(of), index, ...['svc', 'inst', '/e', 'a:1'].map(base64)].join('-');
/** As the OpenTelemetry Collector's receiver makes ids of SkyWalking's, with numbers instead of bytes. */
const bytesOf = (value: bigint, size: number): bigint => {
  const bytes = Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex').toReversed();
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
};
const swTrace = (id: string, thread: bigint, number: bigint): string =>
  (BigInt(`0x${id}`) ^ (bytesOf(thread, 4) << 64n) ^ bytesOf(number, 8))
    .toString(16)
    .padStart(32, '0');
const swSpan = (id: string, index: bigint): string => {
  const mixed = BigInt(`0x${id}`) ^ (bytesOf(index, 4) << 96n);
  return ((mixed >> 64n) ^ (mixed & 0xffff_ffff_ffff_ffffn)).toString(16).padStart(16, '0');
};

/** Headers that say a context, and how a span shows it. */
export const valid: readonly (readonly [
  what: string,
  headers: Headers,
  expected: { traceId: string; parentSpanId: string; flags: number },
])[] = [
  [
    'traceparent',
    [['traceparent', `00-${trace}-${parent}-01`]],
    { traceId: trace, parentSpanId: parent, flags: sampledFlags },
  ],
  [
    'traceparent of a later version',
    [['Traceparent', `01-${trace}-${parent}-00-more`]],
    { traceId: trace, parentSpanId: parent, flags: unsampledFlags },
  ],
  [
    'b3',
    [['b3', `${trace}-${parent}-1-${short}`]],
    { traceId: trace, parentSpanId: parent, flags: sampledFlags },
  ],
  [
    'b3 with an id of 64 bits',
    [['B3', `${short}-${parent}-0`]],
    { traceId: widened, parentSpanId: parent, flags: unsampledFlags },
  ],
  [
    'b3 that debugs',
    [['b3', `${trace}-${parent}-d`]],
    { traceId: trace, parentSpanId: parent, flags: sampledFlags },
  ],
  [
    'b3 that leaves sampling to others',
    [['b3', `${trace}-${parent}`]],
    { traceId: trace, parentSpanId: parent, flags: unsampledFlags },
  ],
  [
    'X-B3-*',
    [
      ['X-B3-Sampled', '1'],
      ['X-B3-SpanId', parent],
      ['X-B3-ParentSpanId', short],
      ['X-B3-TraceId', trace],
    ],
    { traceId: trace, parentSpanId: parent, flags: sampledFlags },
  ],
  [
    'X-B3-* with an id of 64 bits',
    [
      ['X-B3-TraceId', short],
      ['X-B3-SpanId', parent],
      ['X-B3-Sampled', '0'],
    ],
    { traceId: widened, parentSpanId: parent, flags: unsampledFlags },
  ],
  [
    'X-B3-* that debugs',
    [
      ['x-b3-flags', '1'],
      ['x-b3-traceid', trace],
      ['x-b3-spanid', parent],
    ],
    { traceId: trace, parentSpanId: parent, flags: sampledFlags },
  ],
  [
    'uber-trace-id',
    [['uber-trace-id', `${trace}:${parent}:0:1`]],
    { traceId: trace, parentSpanId: parent, flags: sampledFlags },
  ],
  [
    'uber-trace-id with short ids',
    [['Uber-Trace-Id', '5AF:3c:0:0']],
    {
      traceId: '5af'.padStart(32, '0'),
      parentSpanId: '3c'.padStart(16, '0'),
      flags: unsampledFlags,
    },
  ],
  [
    'uber-trace-id that was escaped',
    [['uber-trace-id', `${short}%3A${parent}%3A${short}%3A3`]],
    { traceId: widened, parentSpanId: parent, flags: sampledFlags },
  ],
  [
    'sw8',
    [['sw8', sw8(`${uuid}.12.16563474296430001`, segment, '3')]],
    {
      traceId: swTrace(uuid, 12n, 16_563_474_296_430_001n),
      parentSpanId: swSpan(segment, 3n),
      flags: sampledFlags,
    },
  ],
  [
    'sw8 with a UUID',
    [['sw8', sw8('de5980b8-fce3-4a37-aab9-b4ac3af7eedd', segment, '0', '0')]],
    {
      traceId: 'de5980b8fce34a37aab9b4ac3af7eedd',
      parentSpanId: swSpan(segment, 0n),
      flags: unsampledFlags,
    },
  ],
];
