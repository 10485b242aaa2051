import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';

import { type CaptureLedger, never, type Replay } from '../../../native/capture/types.ts';
import { gapsOf, play, segmentsOfTurns, startNs, startReplay } from './conversation.ts';
import type { TcpSegment } from './frames.ts';
import { HpackEncoder } from './http2.ts';
import { base, exchangesOf, ok, opening } from './http2-conversation.ts';
import { streams } from './http2-streams.ts';
import type { DecodedSpan } from './otlp.ts';

const afterNs = 5_000_000_000n;

/** What has to be the same whoever makes the span, in an order that is the same too. */
const told = (spans: readonly DecodedSpan[]): string[] =>
  spans
    .map(({ name, startNs: from, endNs, attributes }) =>
      JSON.stringify([String(from), String(endNs), name, attributes]),
    )
    .toSorted();

/** When each of two replays does what, as indexes of segments. */
interface Handover {
  /** The first that the second one sees. */
  readonly joined: number;
  /** It has not read this one yet when it is told. */
  readonly held: number;
  /** The first has not read this one yet when it tells. */
  readonly cut: number;
  /** What begins with this one is the second one's. */
  readonly from: number;
}

/** Reads segments with two replays, of which the second one takes over; `change` is what becomes of the state on its way. */
async function readHandedOver(
  segments: readonly TcpSegment[],
  { joined, held, cut, from }: Handover,
  change: (state: Buffer) => Uint8Array = (state) => state,
): Promise<{ spans: DecodedSpan[]; own: number; ledgers: [CaptureLedger, CaptureLedger] }> {
  const old = startReplay();
  const next = startReplay({ boot: '00112233445566aa', window: { fromNs: never, untilNs: never } });
  play(old.replay, segments.slice(0, cut));
  play(next.replay, segments.slice(joined, held));
  next.replay.advance(segments[cut]?.timeNs ?? startNs);
  next.replay.takeOver(change(old.replay.handOver()));
  const at = segments[from]?.timeNs ?? never;
  old.replay.setWindow({ fromNs: 0n, untilNs: at });
  next.replay.setWindow({ fromNs: at, untilNs: never });
  play(next.replay, segments.slice(held));
  play(old.replay, segments.slice(cut));
  const end = async ({ replay }: { replay: Replay }): Promise<CaptureLedger> => {
    replay.advance((segments.at(-1)?.timeNs ?? startNs) + afterNs);
    await replay.flush();
    const ledger = replay.ledger();
    await replay.close();
    return ledger;
  };
  const ledgers: [CaptureLedger, CaptureLedger] = [await end(old), await end(next)];
  return { spans: [...old.spans, ...next.spans], own: next.spans.length, ledgers };
}

async function readByOne(segments: readonly TcpSegment[]): Promise<DecodedSpan[]> {
  const { replay, spans } = startReplay();
  play(replay, segments);
  await replay.flush();
  await replay.close();
  return spans;
}

const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 });

/** Shares of the way that is left. */
const marks = fc.tuple(fc.nat(50), fc.nat(40), fc.nat(40), fc.nat(20));

function handoverAt(count: number, [joined, held, cut, from]: readonly number[]): Handover {
  let at = 0;
  const next = (share = 0): number => (at += Math.floor(((count - 1 - at) * share) / 100));
  return { joined: next(joined), held: next(held), cut: next(cut), from: next(from) };
}

test('whatever the cut, two captures make the spans of one: none lost, none doubled, all of them whole', async (t) => {
  let own = 0;
  await fc.assert(
    fc.asyncProperty(streams(8), sizes, marks, async ({ turns }, cuts, shares) => {
      const segments = segmentsOfTurns(turns, { clientIsn: 2 ** 32 - 300, serverIsn: 9, cuts });
      const two = await readHandedOver(segments, handoverAt(segments.length, shares));
      t.deepEqual(told(two.spans), told(await readByOne(segments)));
      for (const ledger of two.ledgers) {
        t.deepEqual(gapsOf(ledger), []);
        t.deepEqual(ledger.requests.lost, {});
        t.deepEqual(ledger.takenOver.refused, {});
        t.is(ledger.headerFields.unknown, 0);
      }
      own += two.own;
    }),
    { numRuns: 400 },
  );
  t.true(own > 100, `the second one had ${own}`);
});

/** Requests that a table has to be known for, one after the other. */
const sameAgain = (count: number): TcpSegment[] => {
  const encoder = new HpackEncoder();
  const requests = Array.from({ length: count }, () => encoder.encode(base));
  return segmentsOfTurns([...opening, ...exchangesOf(requests)], {
    clientIsn: 5,
    serverIsn: 9,
    cuts: [60_000],
  });
};

const quietly: Handover = { joined: 8, held: 8, cut: 8, from: 8 };

test('a connection that is silent until after the handover goes on with its table', async (t) => {
  const { spans, own, ledgers } = await readHandedOver(sameAgain(6), quietly);
  t.is(own, 4);
  t.deepEqual(
    spans.map(({ attributes: a }) => [a['url.path'], a['clover.incomplete']]),
    Array.from({ length: 6 }, () => ['/p', undefined]),
  );
  t.is(ledgers[1].takenOver.connections, 1);
});

test('without the state the same connection is joined in the middle', async (t) => {
  const { ledgers } = await readHandedOver(sameAgain(6), quietly, () => new Uint8Array());
  t.is(ledgers[1].takenOver.connections, 0);
  t.true(ledgers[1].headerFields.unknown > 0);
});

const ofNextVersion = (state: Buffer): Buffer => {
  state.writeUInt32LE(state.readUInt32LE(4) + 1, 4);
  return state;
};

test('a state of another version is refused, and so is one that comes when the window has begun', async (t) => {
  const { ledgers } = await readHandedOver(sameAgain(6), quietly, ofNextVersion);
  t.deepEqual(ledgers[1].takenOver, { connections: 0, bytes: 0, refused: { other_version: 1 } });
  t.deepEqual(gapsOf(ledgers[1]), []);

  const { replay } = startReplay();
  replay.takeOver(replay.handOver());
  t.deepEqual(replay.ledger().takenOver.refused, { too_late: 1 });
  await replay.close();
});

test('what was read beyond the place that the state is of stays as it was met', async (t) => {
  const { ledgers } = await readHandedOver(sameAgain(6), { ...quietly, joined: 4, held: 10 });
  t.deepEqual(ledgers[1].takenOver, { connections: 0, bytes: 0, refused: { behind: 1 } });
  t.deepEqual(gapsOf(ledgers[1]), []);
});

test('a connection of which the protocol is not told yet goes on whole', async (t) => {
  // Of the preface of HTTP/2, byte by byte: requests of HTTP/1 begin like that, too.
  const segments = segmentsOfTurns(
    [...opening, ...exchangesOf([new HpackEncoder().encode(base)])],
    {
      clientIsn: 5,
      serverIsn: 9,
      cuts: [1],
    },
  );
  for (const joined of [0, 3]) {
    const { spans, ledgers } = await readHandedOver(segments, { joined, held: 4, cut: 4, from: 4 });
    t.deepEqual(told(spans), told(await readByOne(segments)));
    t.deepEqual(ledgers[1].takenOver.refused, {});
    t.is(ledgers[1].takenOver.connections, 1);
  }
});

test('no state does harm, whatever its bytes: the books close, and what is refused is counted', async (t) => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      streams(4),
      sizes,
      marks,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat()),
      async ({ turns }, cuts, shares, changes, cutOff) => {
        const segments = segmentsOfTurns(turns, { clientIsn: 2 ** 32 - 300, serverIsn: 9, cuts });
        const damage = (state: Buffer): Buffer => {
          // The head is another test's.
          for (const [at, byte] of changes) state[8 + (at % (state.length - 8))] = byte;
          return cutOff === null ? state : state.subarray(0, cutOff % state.length);
        };
        const at = handoverAt(segments.length, shares);
        const { ledgers } = await readHandedOver(segments, { ...at, cut: at.cut + 1 }, damage);
        for (const ledger of ledgers) t.deepEqual(gapsOf(ledger), []);
        refused += Object.keys(ledgers[1].takenOver.refused).length;
      },
    ),
    { numRuns: 600 },
  );
  t.true(refused > 100);
});

test('the layout of a state is the one of its version: with another layout comes another version', async (t) => {
  const { replay } = startReplay();
  // Amid the second block, so that everything of a frame is there.
  const [request, response] = [new HpackEncoder().encode(base), ok];
  const turns = [...opening, ...exchangesOf([request, request], [response])];
  const segments = segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts: [11] });
  play(replay, segments.slice(0, -5));
  const state = replay.handOver();
  t.is(state.readUInt32LE(4), 3);
  t.is(
    createHash('sha256').update(state).digest('hex'),
    '68bbd2cd9071c861bde894f793ee05a40972c0a9c09c845645f45694b09eeb4e',
  );
  await replay.close();
});
