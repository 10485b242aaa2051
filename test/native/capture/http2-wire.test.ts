import test from 'ava';
import fc from 'fast-check';

import {
  client,
  gapsOf,
  play,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
  type Turn,
} from './conversation.ts';
import { frameOf, type TcpSegment } from './frames.ts';
import { block, get, ok, opening, readTurns } from './http2-conversation.ts';
import { headers } from './http2.ts';
import { liesOf, streams } from './http2-streams.ts';
import type { DecodedSpan } from './otlp.ts';

const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });
const isn = fc.oneof(fc.nat(0xff_ff_ff_ff), fc.integer({ min: 0xff_ff_f0_00, max: 0xff_ff_ff_ff }));
const wire = fc.record({ clientIsn: isn, serverIsn: isn, cuts, podServes: fc.boolean() });
const keys = fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 });

/** What has to be the same whichever copy of a byte came first: everything but times. */
const timeless = ({
  startNs: _start,
  endNs: _end,
  attributes,
  events,
  ...span
}: DecodedSpan): object => ({
  ...span,
  events: events.map(({ name }) => name),
  attributes: Object.fromEntries(
    Object.entries(attributes).filter(([key]) => key !== 'clover.time_to_first_byte'),
  ),
});

/** Sorts by keys, so that fast-check chooses the order. */
const shuffled = <T>(items: readonly T[], by: readonly number[]): T[] =>
  items
    .map((item, index) => ({ item, key: by[index % by.length] ?? 0, index }))
    .sort((a, b) => a.key - b.key || a.index - b.index)
    .map(({ item }) => item);

test('each stream is a span with its status and sizes, however it is cut', async (t) => {
  await fc.assert(
    fc.asyncProperty(streams(12), wire, async ({ turns, truths }, at) => {
      const { spans, ledger } = await readTurns(turns, 0, at);
      t.is(spans.length, truths.length);
      for (const span of spans) {
        t.deepEqual(liesOf(span, truths), []);
        t.is(span.attributes['clover.incomplete'], undefined);
      }
      t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
      t.is(ledger.headerFields.unknown, 0);
    }),
    { numRuns: 150 },
  );
});

test('a request whose head is not whole yet is one, whatever is answered meanwhile', async (t) => {
  const second = headers(3, get, true);
  for (let cut = 1; cut < second.length; cut += 1) {
    const turns = [
      ...opening,
      client(headers(1, get, true), second.subarray(0, cut)),
      server(headers(1, ok, true)),
      client(second.subarray(cut)),
      server(headers(3, ok, true)),
    ];
    const { spans, ledger } = await readTurns(turns, 0, { cuts: [500] });
    t.is(spans.length, 2, `cut at ${cut}`);
    t.is(ledger.requests.seen, 2);
  }
});

test('order, duplicates and overlaps do not show in the spans', async (t) => {
  await fc.assert(
    fc.asyncProperty(streams(8), wire, keys, async ({ turns }, at, order) => {
      const [syn, answer, ...rest] = segmentsOfTurns(turns, at);
      if (syn === undefined || answer === undefined) throw new Error('no handshake');
      const again = rest.flatMap((segment, index): TcpSegment[] => {
        const from = rest
          .slice(0, index)
          .findLast((other) => other.toPod === segment.toPod && other.payload.length > 0);
        if (from === undefined || segment.payload.length === 0) return [segment];
        const merged = Buffer.concat([from.payload, segment.payload]);
        return index % 3 === 0
          ? [segment, { ...segment, seq: from.seq, payload: merged }]
          : [segment];
      });
      const told = async (segments: readonly TcpSegment[]): Promise<object[]> => {
        const { replay, spans } = startReplay();
        play(replay, segments);
        await replay.flush();
        t.deepEqual(gapsOf(replay.ledger()), []);
        await replay.close();
        return spans.map(timeless);
      };
      t.deepEqual(
        await told([syn, answer, ...shuffled(again, order)]),
        await told([syn, answer, ...rest]),
      );
    }),
    { numRuns: 150 },
  );
});

test('a capture that comes late, in the middle of any streams, says nothing wrong', async (t) => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(streams(12), cuts, fc.nat(60), async ({ turns, truths }, sizes, skip) => {
      const { spans } = await readTurns(turns, 2 + skip, { cuts: sizes.map((size) => size * 20) });
      for (const span of spans) t.deepEqual(liesOf(span, truths), []);
      t.true(spans.length <= truths.length);
      told += spans.length;
    }),
    { numRuns: 300 },
  );
  t.true(told > 300);
});

test('a hole anywhere costs no more than it touches, and nothing wrong is said', async (t) => {
  let [told, incomplete, all] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(
      streams(12),
      fc.constantFrom(9, 40, 200, 1000, 5000),
      fc.nat(),
      fc.integer({ min: 1, max: 3 }),
      async ({ turns, truths }, cut, choice, length) => {
        const segments = segmentsOfTurns(turns, { clientIsn: 3, serverIsn: 4, cuts: [cut] });
        const missing = 2 + (choice % Math.max(1, segments.length - 4));
        const { replay, spans } = startReplay();
        play(replay, segments.toSpliced(missing, length));
        replay.advance(startNs + 3_000_000_000n);
        replay.advance(startNs + 60_000_000_000n);
        await replay.flush();
        for (const span of spans) t.deepEqual(liesOf(span, truths), []);
        const { requests, bytes } = replay.ledger();
        t.deepEqual(gapsOf(replay.ledger()), []);
        t.is(bytes.pending, 0);
        t.true(requests.seen <= truths.length);
        for (const cause of Object.keys(requests.lost)) t.is(cause, 'hole');
        told += spans.length;
        incomplete += spans.filter(({ attributes: a }) => a['clover.incomplete'] === 1).length;
        all += truths.length;
        await replay.close();
      },
    ),
    { numRuns: 500 },
  );
  t.log(`${told} of ${all} streams are spans, ${incomplete} of them incomplete`);
  t.true(told > all / 2);
});

test('who joins late takes no block for a request that nobody may write', async (t) => {
  for (const [name, value] of [
    [':method', ''],
    [':method', 'a b'],
    [':scheme', 'ht tp'],
    [':path', 'p'],
    [':path', ''],
  ] as const) {
    const turns: Turn[] = [{ from: 'client', bytes: headers(1, block([name, value]), true) }];
    const { ledger } = await readTurns(turns, 2, { cuts: [500] });
    t.is(ledger.requests.seen, 0, `${name}: "${value}"`);
  }
  for (const status of ['', '20', '2000', '0xx']) {
    const turns: Turn[] = [{ from: 'server', bytes: headers(1, block([':status', status]), true) }];
    const { ledger } = await readTurns(turns, 2, { cuts: [500] });
    t.deepEqual(ledger.bytes.parsed, 0, status);
  }
});

test('random bytes and TLS are never taken for HTTP/2', async (t) => {
  const tls = fc
    .tuple(
      fc.constantFrom(0x14, 0x15, 0x16, 0x17),
      fc.uint8Array({ minLength: 20, maxLength: 400 }),
    )
    .map(([type, body]) => Buffer.from([type, 3, 3, body.length >> 8, body.length & 255, ...body]));
  const random = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes));
  // Without HEADERS: one whose block reads as a request is HTTP/2, whatever made it.
  const nearly = fc
    .tuple(
      fc.constantFrom(0, 2, 3, 4, 5, 6, 7, 8, 9),
      fc.nat(255),
      fc.nat(9),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([type, flags, stream, body]) =>
      Buffer.concat([Buffer.from([0, 0, body.length, type, flags, 0, 0, 0, stream]), body]),
    );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.oneof(tls, random, nearly)), {
        minLength: 4,
        maxLength: 40,
      }),
      fc.boolean(),
      async (writes, late) => {
        const turns = writes.map(([asks, bytes]): Turn => ({
          from: asks ? 'client' : 'server',
          bytes,
        }));
        const { spans, ledger } = await readTurns(turns, late ? 2 : 0, { cuts: [500] });
        t.deepEqual(spans, []);
        t.is(ledger.requests.seen, 0);
      },
    ),
    { numRuns: 500 },
  );
});

test('mutated connections never break the ledger', async (t) => {
  const mutation = fc.record({ frame: fc.nat(), at: fc.nat(), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(
      streams(8),
      wire,
      fc.array(mutation, { maxLength: 12 }),
      fc.nat(6),
      async ({ turns }, at, list, skip) => {
        const segments = segmentsOfTurns(turns, at).slice(skip);
        const frames = segments.map((one) => frameOf(one));
        for (const { frame: which, at: place, byte } of list) {
          const target = frames[which % frames.length];
          if (target !== undefined) target[54 + (place % Math.max(1, target.length - 54))] = byte;
        }
        const { replay } = startReplay();
        for (const [index, one] of segments.entries())
          replay.frame(7, one.toPod, one.timeNs, frames[index] ?? Buffer.alloc(0));
        t.deepEqual(gapsOf(replay.ledger()), []);
        replay.advance(startNs + 60_000_000_000n);
        await replay.close();
        t.deepEqual(gapsOf(replay.ledger()), []);
        t.is(replay.ledger().bytes.pending, 0);
        t.is(replay.ledger().requests.open, 0);
      },
    ),
    { numRuns: 500 },
  );
});
