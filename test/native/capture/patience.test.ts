import test from 'ava';

import {
  type Exchange,
  gapsOf,
  play,
  segmentsOf,
  segmentsOfTurns,
  startNs,
  startReplay,
} from './conversation.ts';
import { brief, client, server } from './db.ts';
import { flag, type TcpSegment } from './frames.ts';
import { bind, complete, execute, message, parse, ready, start, sync } from './postgresql.ts';
import type { DecodedSpan } from './otlp.ts';

const bytes = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);

const exchangeOf = (path: string): Exchange => ({
  request: bytes(`GET ${path} HTTP/1.1`, 'Host: cart.shop'),
  response: bytes('HTTP/1.1 200 OK', 'Content-Length: 0'),
  method: 'GET',
  path,
  status: 200,
  requestBytes: 0,
  responseBytes: 0,
});

const wire = { clientIsn: 10, serverIsn: 20 };
const delayed = (segments: readonly TcpSegment[], ns: bigint): TcpSegment[] =>
  segments.map((segment) => Object.assign({}, segment, { timeNs: segment.timeNs + ns }));
const seconds = (n: number): bigint => BigInt(n) * 1_000_000_000n;

test('a segment that was lost on the wire may be sent again seconds later', async (t) => {
  const { replay, spans } = startReplay();
  const segments = segmentsOf([[exchangeOf('/a')]], { ...wire, cuts: [16] });
  const answered = segments.findIndex(({ toPod, payload }) => !toPod && payload.length > 0);
  play(replay, segments.toSpliced(2, 1).slice(0, answered - 1));
  for (let second = 1; second <= 7; second++) replay.advance(startNs + seconds(second));
  t.deepEqual(replay.ledger().bytes.lost, {});
  t.true(
    replay.evidence(0).watermarkMs <= Number(startNs / 1_000_000n) + 1,
    'the held bytes may begin a request',
  );
  play(replay, delayed(segments.slice(2, 3), seconds(7)));
  play(replay, delayed(segments.slice(answered), seconds(7)));
  await replay.flush();
  t.deepEqual(
    spans.map(({ attributes }) => attributes['url.path']),
    ['/a'],
  );
  t.deepEqual(replay.ledger().bytes.lost, {});
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('bytes that nobody confirms are given up when a request would be stuck', async (t) => {
  const { replay } = startReplay({ openTimeoutMs: 3_000 });
  const segments = segmentsOf([[exchangeOf('/a')]], { ...wire, cuts: [16] });
  play(replay, segments.toSpliced(2, 1).slice(0, 3));
  replay.advance(startNs + seconds(2));
  t.deepEqual(replay.ledger().bytes.lost, {});
  replay.advance(startNs + seconds(4));
  t.deepEqual(replay.ledger().bytes.lost, { hole: 16 });
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('a connection is known for a day of silence: of keep-alives nothing comes up', async (t) => {
  const { replay, spans } = startReplay();
  const prepare = client(parse('s1', 'SELECT a FROM t'), sync);
  const segments = segmentsOfTurns(
    [
      ...start,
      prepare,
      server(message('1'), ready),
      client(bind('s1'), execute(), sync),
      server(message('2'), complete('SELECT 0'), ready),
    ],
    { ...wire, cuts: [500] },
  );
  play(replay, segments.slice(0, -4));
  for (let hour = 1; hour < 24; hour += 1) replay.advance(startNs + seconds(3_600 * hour));
  play(replay, delayed(segments.slice(-4), seconds(86_000)));
  await replay.flush();
  t.deepEqual(spans.map(brief), ['shop | SELECT t | ok |  | SELECT a FROM t']);
  await replay.close();
});

test('a handshake that nobody ends is forgotten after a minute', async (t) => {
  const { replay } = startReplay();
  const [syn] = segmentsOf([], { ...wire, cuts: [500] });
  if (syn === undefined) throw new Error('no segment');
  play(replay, [syn]);
  replay.advance(startNs + seconds(59));
  t.is(replay.ledger().connections.open, 1);
  replay.advance(startNs + seconds(61));
  t.like(replay.ledger().connections, { open: 0, seen: 1, evicted: 0 });
  await replay.close();
});

test('a connection that was silent for more than a day is read again when it speaks', async (t) => {
  const { replay, spans } = startReplay();
  const segments = segmentsOf([[exchangeOf('/a')], [exchangeOf('/b')]], { ...wire, cuts: [500] });
  play(replay, segments.slice(0, 4));
  let silent = 0;
  while (replay.ledger().connections.open > 0 && silent < 100_000)
    replay.advance(startNs + seconds((silent += 60)));
  t.true(silent > 86_400 && silent < 100_000);
  play(replay, delayed(segments.slice(4), seconds(silent)));
  await replay.flush();
  t.deepEqual(
    spans.map(({ attributes }) => attributes['url.path']),
    ['/a', '/b'],
  );
  t.is(new Set(spans.map(({ spanId }) => spanId)).size, 2);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('connections that have ended do not keep new ones out', async (t) => {
  const { replay, spans } = startReplay();
  const none = new Uint8Array();
  for (let port = 1; port <= 60_000; port++) {
    const from = { toPod: true, ack: 0, payload: none, timeNs: startNs, podPort: 8080 };
    play(replay, [
      { ...from, peerPort: port, seq: port, flags: flag.syn },
      { ...from, peerPort: port, seq: port + 1, flags: flag.rst },
    ]);
  }
  play(replay, segmentsOf([[exchangeOf('/a')]], { ...wire, cuts: [500], peerPort: 60_001 }));
  await replay.flush();
  t.is(spans.length, 1);
  t.is(replay.ledger().connections.open, 0);
  await replay.close();
});

const outcomesOf = (spans: readonly DecodedSpan[]): unknown[] =>
  spans.map(({ attributes: a }) => [
    a['url.path'],
    a['clover.incomplete'],
    a['http.response.status_code'],
    a['error.type'],
  ]);

for (const [who, toPod] of [
  ['client', true],
  ['server', false],
] as const)
  test(`an answer that never came up before the ${who}'s reset is unknown to us, and no error`, async (t) => {
    const { replay, spans } = startReplay();
    const segments = segmentsOf([[exchangeOf('/a')]], { ...wire, cuts: [500] });
    const reset = segments
      .slice(-2)
      .filter((segment) => segment.toPod === toPod)
      .map((segment) => Object.assign({}, segment, { flags: flag.rst | flag.ack }));
    // All but the response, which is the fourth.
    play(replay, [...segments.slice(0, 3), ...reset]);
    await replay.flush();
    t.deepEqual(outcomesOf(spans), [['/a', 1, undefined, undefined]]);
    t.deepEqual(replay.ledger().requests.lost, {});
    t.deepEqual(gapsOf(replay.ledger()), []);
    await replay.close();
  });

for (const confirmed of [0, 16])
  test(`of a hole a reset confirms what it says that it got: ${confirmed} bytes of 16`, async (t) => {
    const { replay } = startReplay();
    const segments = segmentsOf([[exchangeOf('/a')]], { ...wire, cuts: [16] });
    const missed = segments.findIndex(({ payload }) => payload.length > 0);
    const held = segments.slice(missed + 1, missed + 2);
    const reset = held.map(({ ack, seq }) => ({
      toPod: false,
      seq: ack,
      ack: seq - 16 + confirmed,
      flags: flag.rst | flag.ack,
      payload: new Uint8Array(),
      timeNs: startNs + seconds(1),
      podPort: 8080,
      peerPort: 40_000,
    }));
    play(replay, [...segments.slice(0, missed), ...held, ...reset]);
    await replay.flush();
    const { bytes: counted } = replay.ledger();
    t.deepEqual(counted.lost, confirmed > 0 ? { hole: confirmed } : {});
    t.deepEqual(gapsOf(replay.ledger()), []);
    await replay.close();
  });

test('a reset before any answer is an error of the request', async (t) => {
  const { replay, spans } = startReplay();
  const segments = segmentsOf([[exchangeOf('/a')]], { ...wire, cuts: [500] });
  const reset = segments.slice(2, 3).map((segment) =>
    Object.assign({}, segment, {
      flags: flag.rst | flag.ack,
      seq: segment.seq + segment.payload.length,
      payload: new Uint8Array(),
    }),
  );
  play(replay, [...segments.slice(0, 3), ...reset]);
  await replay.flush();
  t.deepEqual(
    spans.map(({ attributes }) => attributes['error.type']),
    ['connection_closed'],
  );
  await replay.close();
});

test('of several answers in one hole each is unknown', async (t) => {
  const { replay, spans } = startReplay();
  const paths = ['/a', '/b', '/c'];
  const segments = segmentsOf(
    paths.map((path) => [exchangeOf(path)]),
    { ...wire, cuts: [500] },
  );
  play(
    replay,
    segments.filter(({ toPod, payload }) => toPod || payload.length === 0),
  );
  replay.advance(startNs + seconds(30));
  await replay.flush();
  t.deepEqual(
    outcomesOf(spans),
    paths.map((path) => [path, 1, undefined, undefined]),
  );
  t.deepEqual(replay.ledger().requests.lost, {});
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});
