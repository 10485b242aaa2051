import test from 'ava';
import fc from 'fast-check';

import { gapsOf, segmentsOfTurns, startReplay } from './conversation.ts';
import type { TcpSegment } from './frames.ts';
import {
  type Handover,
  handoverAt,
  marks,
  readByOne,
  readHandedOver,
  sizes,
  told,
} from './handing-over.ts';
import { HpackEncoder } from './http2.ts';
import { base, exchangesOf, opening } from './http2-conversation.ts';
import { streams } from './http2-streams.ts';

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
  t.deepEqual(ledgers[1].takenOver, {
    connections: 0,
    requests: 0,
    bytes: 0,
    refused: { other_version: 1 },
  });
  t.deepEqual(gapsOf(ledgers[1]), []);

  const { replay } = startReplay();
  replay.takeOver(replay.handOver());
  t.deepEqual(replay.ledger().takenOver.refused, { too_late: 1 });
  await replay.close();
});

test('what was read beyond the place that the state is of stays as it was met', async (t) => {
  const { ledgers } = await readHandedOver(sameAgain(6), { ...quietly, joined: 4, held: 10 });
  t.deepEqual(ledgers[1].takenOver, {
    connections: 0,
    requests: 0,
    bytes: 0,
    refused: { behind: 1 },
  });
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
