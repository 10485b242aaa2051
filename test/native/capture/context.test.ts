import test from 'ava';
import fc from 'fast-check';

import {
  headOf,
  type Headers,
  parent,
  segment,
  short,
  sw8,
  trace,
  uuid,
  valid,
  widened,
} from './contexts.ts';
import { gapsOf, readPackets, segmentsOfTurns } from './conversation.ts';
import { HpackEncoder } from './http2.ts';
import { exchangesOf, opening, readTurns } from './http2-conversation.ts';
import type { DecodedSpan } from './otlp.ts';
import { sipFlow, sipRequest, sipResponse } from './sip.ts';

async function spanOf(head: string, cuts: readonly number[] = [1460]): Promise<DecodedSpan> {
  const { spans, ledger } = await readPackets(
    segmentsOfTurns(
      [
        { from: 'client', bytes: Buffer.from(head, 'latin1') },
        { from: 'server', bytes: Buffer.from('HTTP/1.1 204 No\r\n\r\n') },
      ],
      { clientIsn: 7, serverIsn: 9, cuts },
    ),
  );
  const [span] = spans;
  if (span === undefined || spans.length > 1 || gapsOf(ledger).length > 0)
    throw new Error(`${spans.length} spans, ${gapsOf(ledger).join()}`);
  return span;
}

for (const [what, headers, expected] of valid)
  test(`the context of a request is read from ${what}`, async (t) => {
    t.like(await spanOf(headOf(headers)), expected);
  });

const invalid: readonly (readonly [name: string, value: string])[] = [
  ['traceparent', `00-${'0'.repeat(32)}-${parent}-01`],
  ['traceparent', `00-${trace}-${'0'.repeat(16)}-01`],
  ['traceparent', `00-${trace.toUpperCase()}-${parent}-01`],
  ['traceparent', `00-${trace}-${parent}-01-more`],
  ['traceparent', `ff-${trace}-${parent}-01`],
  ['traceparent', `00-${trace}-${parent}-0`],
  ['b3', '0'],
  ['b3', ''],
  ['b3', `${trace}-${parent}-x`],
  ['b3', `${trace}-${parent}-1-xyz`],
  ['b3', `${trace.slice(1)}-${parent}-1`],
  ['b3', `${trace}-${parent.slice(1)}`],
  ['b3', `${'0'.repeat(32)}-${parent}-1`],
  ['x-b3-traceid', trace],
  ['x-b3-spanid', parent],
  ['uber-trace-id', `0:${parent}:0:1`],
  ['uber-trace-id', `${trace}:0:0:1`],
  ['uber-trace-id', `${trace}0:${parent}:0:1`],
  ['uber-trace-id', `${trace}:${parent}:0`],
  ['uber-trace-id', `${trace}:${parent}:0:g`],
  ['uber-trace-id', `${trace}:${parent}:0:1:2`],
  ['sw8', '1-x'],
  ['sw8', sw8('short', segment, '3')],
  ['sw8', sw8(uuid, 'short', '3')],
  ['sw8', sw8(uuid, segment, 'x')],
  ['sw8', sw8(`${uuid}.x.1`, segment, '1')],
  ['sw8', sw8(`${uuid}.12`, segment, '1')],
  ['sw8', sw8(uuid, segment, '1', '2')],
  ['sw8', sw8(uuid, segment, '1').replaceAll('=', '').replace('N', '*')],
];

for (const [name, value] of invalid)
  test(`a context that is not valid is not used: ${name}: ${value}`, async (t) => {
    const span = await spanOf(
      headOf([
        [name, value],
        ['tracestate', 'x=1'],
      ]),
    );
    t.is(span.parentSpanId, '');
    t.is(span.traceState, '');
    t.regex(span.traceId, /^(?!0{32})[0-9a-f]{32}$/);
    // The next that is valid counts.
    const other = await spanOf(
      headOf([
        [name, value],
        ['sw8', sw8(uuid, segment, '1')],
      ]),
    );
    t.is(other.traceId, name === 'sw8' ? other.traceId : uuid);
  });

/** One of each kind, the strongest first, with its trace's id. */
const ranked: readonly (readonly [id: string, headers: Headers])[] = ['1', '2', '3', '4', '5'].map(
  (digit) => {
    const id = digit.repeat(32);
    const headers: Record<string, Headers> = {
      1: [['traceparent', `00-${id}-${parent}-01`]],
      2: [['b3', `${id}-${parent}-1`]],
      3: [
        ['x-b3-traceid', id],
        ['x-b3-spanid', parent],
      ],
      4: [['uber-trace-id', `${id}:${parent}:0:1`]],
      5: [['sw8', sw8(id, segment, '0')]],
    };
    return [id, headers[digit] ?? []];
  },
);

test('of several contexts the strongest counts, in whatever order they are sent', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...ranked], { minLength: 1 }), async (chosen) => {
      const strongest = chosen.map(([id]) => id).toSorted()[0] ?? '';
      t.is((await spanOf(headOf(chosen.flatMap(([, headers]) => headers)))).traceId, strongest);
    }),
    { numRuns: 60 },
  );
});

test('a context that is sent twice with two values is not used', async (t) => {
  const one = ['traceparent', `00-${trace}-${parent}-01`] as const;
  const two = ['traceparent', `00-${uuid}-${parent}-01`] as const;
  t.is((await spanOf(headOf([one, one]))).traceId, trace);
  t.is((await spanOf(headOf([one, two]))).parentSpanId, '');
  t.is((await spanOf(headOf([one, two, ['b3', `${segment}-${parent}`]]))).traceId, segment);
});

test('the lines of a tracestate are one list, and belong to a traceparent only', async (t) => {
  const states: Headers = [
    ['tracestate', 'a=1'],
    ['tracestate', 'b=2,c=3'],
  ];
  const { traceState } = await spanOf(
    headOf([...states, ['traceparent', `00-${trace}-${parent}-01`]]),
  );
  t.is(traceState, 'a=1,b=2,c=3');
  t.is((await spanOf(headOf([...states, ['b3', `${trace}-${parent}`]]))).traceState, '');
});

test('the id of a request is on its span; who 5G correlates it with only by the kind', async (t) => {
  const { attributes } = await spanOf(
    headOf([
      ['X-Request-Id', 'c0ffee-1'],
      ['3gpp-Sbi-Correlation-Info', 'imsi-345012123123123; msisdn-4917212345;odd'],
    ]),
  );
  t.is(attributes['http.request.header.x-request-id'], 'c0ffee-1');
  t.is(
    attributes['http.request.header.3gpp-sbi-correlation-info'],
    'imsi-REDACTED; msisdn-REDACTED; REDACTED',
  );
});

const filler = fc.record({
  before: fc.nat(64_000),
  cuts: fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1 }),
});

test('a context is found at any depth of 64 KiB over any split', async (t) => {
  const kinds = valid.map(([, headers, expected]) => ({ headers, expected }));
  await fc.assert(
    fc.asyncProperty(filler, fc.constantFrom(...kinds), async ({ before, cuts }, kind) => {
      const own = headOf(kind.headers).length;
      // In lines of some length each, as no server takes one of 64 KiB.
      const lines: (readonly [string, string])[] = [];
      for (let left = Math.min(before, 65_500 - own); left > 20; left -= 4000)
        lines.push(['x-filler', 'b3'.repeat(Math.min(left, 4000) / 2 - 7)]);
      const head = headOf([...lines, ...kind.headers, ['x-after', '1']]);
      t.true(head.length <= 65_536);
      t.like(await spanOf(head, cuts), kind.expected);
    }),
    { numRuns: 300 },
  );
});

const overHttp2 = async (
  headers: Headers,
  more: Headers = [],
): Promise<DecodedSpan | undefined> => {
  const encoder = new HpackEncoder();
  const fields: Headers = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/s.S/Call'],
    [':authority', 'a'],
    ...more,
    ...headers.map(([name, value]) => [name.toLowerCase(), value] as const),
  ];
  // The second request has its fields out of the table.
  const blocks = [encoder.encode(fields, 'incremental'), encoder.encode(fields, 'indexed')];
  return (await readTurns([...opening, ...exchangesOf(blocks)])).spans[1];
};

for (const [what, headers, expected] of valid)
  test(`the context of a request over HTTP/2 is read from ${what}`, async (t) => {
    t.like(await overHttp2(headers), expected);
  });

test('the id of a request over HTTP/2 is on its span; to gRPC it is metadata', async (t) => {
  const id = [['x-request-id', 'c0ffee-1']] as const;
  t.is((await overHttp2(id))?.attributes['http.request.header.x-request-id'], 'c0ffee-1');
  const call = await overHttp2(id, [['content-type', 'application/grpc']]);
  t.is(call?.attributes['rpc.request.metadata.x-request-id'], 'c0ffee-1');
});

const idOf = async (extra: readonly string[]): Promise<readonly (string | undefined)[]> => {
  const parts = { method: 'OPTIONS', extra };
  const { spans } = await readPackets(
    sipFlow(['in', sipRequest(parts)], ['out', sipResponse(200, parts)]),
  );
  return [spans[0]?.traceId, spans[0]?.parentSpanId];
};

test('SIP carries contexts too; without one the call is the trace', async (t) => {
  t.deepEqual(await idOf([`b3: ${short}-${parent}-1`]), [widened, parent]);
  t.deepEqual(await idOf([`traceparent: 00-${trace}-${parent}-01`, `b3: ${short}-${parent}-1`]), [
    trace,
    parent,
  ]);
  t.deepEqual(await idOf([`b3: ${short}-0`]), await idOf([]));
});
