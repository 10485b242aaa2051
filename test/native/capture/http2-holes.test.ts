import test from 'ava';

import { play, segmentsOfTurns, startNs, startReplay, type Turn } from './conversation.ts';
import { flag } from './frames.ts';
import { data, headers, HpackEncoder } from './http2.ts';
import { ok, opening } from './http2-conversation.ts';

test('a hole in a body is stepped over: sizes are exact, and all that follows is known', async (t) => {
  const encoder = new HpackEncoder();
  const ask = (stream: number): Turn => ({
    from: 'client',
    bytes: headers(
      stream,
      encoder.encode([
        [':method', 'GET'],
        [':path', '/x'],
        [':scheme', 'http'],
      ]),
      true,
    ),
  });
  const turns: Turn[] = [
    ...opening,
    ask(1),
    { from: 'server', bytes: Buffer.concat([headers(1, ok), data(1, Buffer.alloc(5000))]) },
    ask(3),
    { from: 'server', bytes: headers(3, ok, true) },
  ];
  const segments = segmentsOfTurns(turns, { clientIsn: 3, serverIsn: 4, cuts: [1000] });
  const { replay, spans } = startReplay();
  play(replay, segments.toSpliced(6, 2));
  replay.advance(startNs + 3_000_000_000n);
  await replay.flush();
  t.deepEqual(
    spans.map(({ attributes: a }) => [
      a['url.path'],
      a['http.response.body.size'],
      a['clover.incomplete'],
    ]),
    [
      ['/x', 5000, undefined],
      ['/x', 0, undefined],
    ],
  );
  t.deepEqual(replay.ledger().bytes.lost, { hole: 2000 });
  await replay.close();
});

test('after a hole frames are found again, in segments of any size', async (t) => {
  const get = new HpackEncoder().encode(
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/x'],
    ],
    'plain',
  );
  const turns = Array.from({ length: 8 }, (_, index): Turn[] => [
    { from: 'client', bytes: headers(2 * index + 1, get, true) },
    {
      from: 'server',
      bytes: Buffer.concat([headers(2 * index + 1, ok), data(2 * index + 1, 'z'.repeat(40))]),
    },
  ]);
  for (const cut of [1, 2, 3, 5, 8, 13, 21, 34, 1000]) {
    const segments = segmentsOfTurns([...opening, ...turns.flat()], {
      clientIsn: 3,
      serverIsn: 4,
      cuts: [cut],
    });
    const from = segments.findIndex(({ toPod, seq }) => toPod && seq >= 3 + 1 + 33);
    const { replay, spans } = startReplay();
    play(replay, segments.toSpliced(from, 1));
    replay.advance(startNs + 3_000_000_000n);
    await replay.flush();
    // Three heads of the client have to follow each other, and those requests are lost.
    t.true(spans.length >= 4, `${spans.length} spans in segments of ${cut}`);
    t.is(spans.length + (replay.ledger().requests.lost['hole'] ?? 0), 8);
    await replay.close();
  }
});

test('what a hole may have ended is lost once it shows no life for ten seconds', async (t) => {
  const encoder = new HpackEncoder();
  const ask = (stream: number): Turn => ({
    from: 'client',
    bytes: headers(
      stream,
      encoder.encode([
        [':method', 'GET'],
        [':path', `/${stream}`],
      ]),
      true,
    ),
  });
  const segments = segmentsOfTurns(
    [
      ...opening,
      ask(1),
      ask(3),
      { from: 'server', bytes: headers(1, ok, true) },
      { from: 'server', bytes: headers(3, ok) },
      ask(5),
      { from: 'server', bytes: headers(5, ok, true) },
      ask(7),
      { from: 'server', bytes: Buffer.concat([data(3, 'x'), headers(7, ok, true)]) },
      ask(9),
      ask(11),
      { from: 'server', bytes: headers(11, ok, true) },
      { from: 'server', bytes: headers(9, ok, true) },
    ],
    { clientIsn: 3, serverIsn: 4, cuts: [10_000] },
  ).map((one, index) =>
    Object.assign({}, one, { timeNs: one.timeNs + BigInt(index) * 2_000_000_000n }),
  );
  const { replay, spans } = startReplay();
  play(
    replay,
    segments.filter(({ flags }, index) => index !== 6 && (flags & flag.fin) === 0),
  );
  await replay.flush();
  t.deepEqual(
    spans.map(({ attributes: a }) => [a['url.path'], a['clover.incomplete']]),
    [
      ['/5', undefined],
      ['/3', 1],
      ['/7', undefined],
      ['/11', undefined],
      ['/9', undefined],
    ],
  );
  t.deepEqual(replay.ledger().requests.lost, { hole: 1 });
  t.is(replay.ledger().requests.open, 0);
  await replay.close();
});
