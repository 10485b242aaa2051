import test from 'ava';
import fc from 'fast-check';

import {
  exchange,
  gapsOf,
  play,
  segmentsOf,
  startNs,
  startReplay,
  type Wire,
} from './conversation.ts';
import { type TcpSegment, frameOf } from './frames.ts';
import type { DecodedSpan } from './otlp.ts';

const groups = fc.array(fc.array(exchange, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 4,
});
const isn = fc.oneof(fc.nat(0xff_ff_ff_ff), fc.integer({ min: 0xff_ff_ff_00, max: 0xff_ff_ff_ff }));
const wire: fc.Arbitrary<Wire> = fc.record({
  clientIsn: isn,
  serverIsn: isn,
  cuts: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
  podServes: fc.boolean(),
});

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

async function spansOf(segments: readonly TcpSegment[]): Promise<DecodedSpan[]> {
  const { replay, spans } = startReplay();
  play(replay, segments);
  await replay.close();
  return spans;
}

/** Sorts by keys, so that fast-check chooses the order. */
const shuffled = <T>(items: readonly T[], keys: readonly number[]): T[] =>
  items
    .map((item, index) => ({ item, key: keys[index % keys.length] ?? 0, index }))
    .sort((a, b) => a.key - b.key || a.index - b.index)
    .map(({ item }) => item);

test('each exchange of a conversation becomes one span with its status and sizes', async (t) => {
  await fc.assert(
    fc.asyncProperty(groups, wire, async (conversation, at) => {
      const { replay, spans } = startReplay();
      play(replay, segmentsOf(conversation, at));
      await replay.flush();
      const told = spans.map(({ attributes }) => ({
        method: attributes['http.request.method'],
        path: attributes['url.path'],
        status: attributes['http.response.status_code'],
        sent: attributes['http.request.body.size'] ?? 0,
        got: attributes['http.response.body.size'],
      }));
      const expected = conversation.flat().map((one) => ({
        method: one.method,
        path: one.path,
        status: one.status,
        sent: one.requestBytes,
        got: one.responseBytes,
      }));
      t.deepEqual(told, expected);
      t.deepEqual(gapsOf(replay.ledger()), []);
      t.is(replay.ledger().bytes.parsed, replay.ledger().wire.payloadBytes);
      t.is(replay.ledger().connections.open, 0);
      await replay.close();
    }),
    { numRuns: 100 },
  );
});

test('the order of arrival does not show in the spans', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      groups,
      wire,
      fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 }),
      async (conversation, at, keys) => {
        const [syn, answer, ...rest] = segmentsOf(conversation, at);
        if (syn === undefined || answer === undefined) throw new Error('no handshake');
        const straight = await spansOf([syn, answer, ...rest]);
        t.deepEqual(await spansOf([syn, answer, ...shuffled(rest, keys)]), straight);
      },
    ),
    { numRuns: 150 },
  );
});

test('duplicates and overlaps do not show in the spans, and the ledger closes', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      groups,
      wire,
      fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 }),
      async (conversation, at, keys) => {
        const plain = segmentsOf(conversation, at);
        const [syn, answer, ...rest] = plain;
        if (syn === undefined || answer === undefined) throw new Error('no handshake');
        const again = rest.flatMap((segment, index) => {
          const from = rest
            .slice(0, index)
            .findLast((other) => other.toPod === segment.toPod && other.payload.length > 0);
          if (from === undefined || segment.payload.length === 0) return [segment];
          // A retransmission that begins in the segment before.
          const merged = Buffer.concat([from.payload, segment.payload]);
          return [segment, { ...segment, seq: from.seq, payload: merged }];
        });
        const { replay, spans } = startReplay();
        play(replay, [syn, answer, ...shuffled(again, keys)]);
        await replay.flush();
        t.deepEqual(gapsOf(replay.ledger()), []);
        t.deepEqual(spans.map(timeless), (await spansOf(plain)).map(timeless));
        await replay.close();
      },
    ),
    { numRuns: 150 },
  );
});

test('a capture that comes late counts every request whose beginning it saw', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(exchange, { minLength: 2, maxLength: 6 }),
      fc.record({ clientIsn: isn, serverIsn: isn }),
      fc.nat(5),
      async (exchanges, at, skip) => {
        const segments = segmentsOf(
          exchanges.map((one) => [one]),
          { ...at, cuts: [100_000] },
        );
        // Handshake, then one segment for each request and response.
        const missed = Math.min(skip, exchanges.length - 1);
        const { replay, spans } = startReplay();
        play(replay, segments.slice(2 + 2 * missed));
        await replay.flush();
        t.deepEqual(
          spans.map(({ attributes }) => attributes['url.path']),
          exchanges.slice(missed).map(({ path }) => path),
        );
        t.deepEqual(gapsOf(replay.ledger()), []);
        await replay.close();
      },
    ),
  );
});

test('a late capture does not pair an older response with a newer request', async (t) => {
  const exchanges = fc.sample(exchange, { numRuns: 3, seed: 4 });
  const segments = segmentsOf(
    exchanges.map((one) => [one]),
    { clientIsn: 1, serverIsn: 2, cuts: [100_000] },
  );
  const { replay, spans } = startReplay();
  play(replay, segments.slice(3));
  await replay.flush();
  t.deepEqual(
    spans.map(({ attributes }) => attributes['http.response.status_code']),
    exchanges.slice(1).map(({ status }) => status),
  );
  t.deepEqual(replay.ledger().requests.lost, { before_attach: 1 });
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('a lasting hole costs the requests that it touches and no others', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(exchange, { minLength: 3, maxLength: 6 }),
      fc.nat(),
      async (exchanges, choice) => {
        const segments = segmentsOf(
          exchanges.map((one) => [one]),
          { clientIsn: 10, serverIsn: 20, cuts: [100_000] },
        );
        const missing = 2 + (choice % (2 * exchanges.length));
        const { replay, spans } = startReplay();
        play(replay, segments.toSpliced(missing, 1));
        replay.advance(startNs + 3_000_000_000n);
        await replay.flush();
        t.deepEqual(gapsOf(replay.ledger()), []);
        const touched = Math.floor((missing - 2) / 2);
        // Of a request that nobody saw there is nothing to tell.
        const asked = missing % 2 === 1;
        t.deepEqual(
          spans.map(({ attributes: a }) => [a['url.path'], a['clover.incomplete']]),
          exchanges
            .map(({ path }, at) => [path, at === touched ? 1 : undefined])
            .toSpliced(touched, asked ? 0 : 1),
        );
        t.deepEqual(replay.ledger().requests.lost, asked ? {} : { hole: 1 });
        t.is(replay.ledger().bytes.pending, 0);
        t.is(replay.ledger().bytes.lost['hole'], segments[missing]?.payload.length);
        await replay.close();
      },
    ),
  );
});

test('random bytes in any order never break the ledger', async (t) => {
  const segment = fc.record({
    toPod: fc.boolean(),
    seq: fc.integer({ min: 0, max: 3000 }),
    ack: fc.integer({ min: 0, max: 3000 }),
    flags: fc.nat(31),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .constantFrom('GET / HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n')
        .map((x) => Buffer.from(x)),
    ),
    timeNs: fc.bigInt({ min: startNs, max: startNs + 5_000_000_000n }),
    podPort: fc.constant(8080),
    peerPort: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { maxLength: 60 }), async (segments) => {
      const { replay } = startReplay();
      play(replay, segments);
      t.deepEqual(gapsOf(replay.ledger()), []);
      replay.advance(startNs + 30_000_000_000n);
      t.deepEqual(gapsOf(replay.ledger()), []);
      await replay.close();
      t.deepEqual(gapsOf(replay.ledger()), []);
      t.is(replay.ledger().requests.open, 0);
      t.is(replay.ledger().bytes.pending, 0);
    }),
    { numRuns: 400 },
  );
});

test('mutated conversations and frames never break the ledger', async (t) => {
  const mutation = fc.record({ frame: fc.nat(), at: fc.nat(), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(groups, wire, fc.array(mutation, { maxLength: 12 }), async (all, at, list) => {
      const segments = segmentsOf(all, at);
      const frames = segments.map((one) => frameOf(one));
      for (const { frame, at: place, byte } of list) {
        const target = frames[frame % frames.length];
        if (target !== undefined) target[place % target.length] = byte;
      }
      const { replay } = startReplay();
      for (const [index, one] of segments.entries())
        replay.frame(7, one.toPod, one.timeNs, frames[index] ?? Buffer.alloc(0));
      replay.advance(startNs + 60_000_000_000n);
      t.deepEqual(gapsOf(replay.ledger()), []);
      await replay.close();
      t.deepEqual(gapsOf(replay.ledger()), []);
      t.is(replay.ledger().bytes.pending, 0);
    }),
    { numRuns: 400 },
  );
});
