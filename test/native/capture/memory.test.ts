import test from 'ava';

import {
  client,
  gapsOf,
  play,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
} from './conversation.ts';
import { frameOf, type TcpSegment } from './frames.ts';

const mebibyte = 2 ** 20;
const get = Buffer.from('GET /items HTTP/1.1\r\nHost: a\r\n\r\n');
const ok = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
/** A head that goes on and on, a little shorter than the longest. */
const endless = Buffer.from(`GET / HTTP/1.1\r\nCookie: ${'x'.repeat(60_000)}`);

const wireOf = (at: number) => ({
  clientIsn: 7,
  serverIsn: 9,
  cuts: [1_400],
  peerPort: 1_024 + at,
  timeNs: startNs + BigInt(at) * 1_000_000n,
});

/** Without the FINs: it stays open. */
const openOf = (at: number, ...turns: Parameters<typeof segmentsOfTurns>[0]): TcpSegment[] =>
  segmentsOfTurns(turns, wireOf(at)).slice(0, -2);

test('heads that never end give way to requests that do, and are read on from the next', async (t) => {
  const { replay, spans } = startReplay({ memoryBytes: mebibyte });
  const most = { pending: 0 };
  for (let at = 0; at < 100; at += 1) {
    play(replay, openOf(at, client(get), server(ok), client(endless)));
    most.pending = Math.max(most.pending, replay.ledger().bytes.pending);
  }
  t.true(most.pending < 1.2 * mebibyte, `${most.pending} bytes pending`);
  t.true(most.pending > mebibyte / 2, 'memory that is there is used');
  // The first one gave way: what it says now is a request again.
  const [first] = openOf(0, client(get), server(ok), client(endless)).slice(-1);
  if (first === undefined) throw new Error('no segment');
  const seq = first.seq + first.payload.length;
  const timeNs = startNs + 1_000_000_000n;
  play(replay, [
    { ...first, timeNs, seq, payload: get },
    { ...first, timeNs, toPod: false, seq: first.ack, ack: seq + get.length, payload: ok },
  ]);
  await replay.flush();
  const ledger = replay.ledger();
  t.deepEqual(gapsOf(ledger), []);
  t.is(spans.length, 101);
  t.is(ledger.connections.open, 100);
  await replay.close();
});

test('bytes that wait for others go before heads', async (t) => {
  const { replay } = startReplay({ memoryBytes: mebibyte });
  play(replay, openOf(0, client(endless)));
  // All but the first segment of each, so that none can be read.
  for (let at = 1; at < 60; at += 1)
    play(replay, openOf(at, client(get), server(ok), client(endless)).toSpliced(4, 1));
  const { bytes, requests } = replay.ledger();
  t.true(bytes.pending < 1.2 * mebibyte, `${bytes.pending} bytes pending`);
  t.true((bytes.lost['hole'] ?? 0) > 0);
  t.is(requests.lost['memory'], undefined);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('requests that nobody answers are lost by name', async (t) => {
  const { replay } = startReplay({ memoryBytes: mebibyte });
  for (let at = 0; at < 20; at += 1)
    play(replay, openOf(at, client(...Array.from({ length: 500 }, () => get))));
  const ledger = replay.ledger();
  t.is(ledger.requests.seen, 10_000);
  t.true(ledger.requests.open * 1_024 < 1.2 * mebibyte, `${ledger.requests.open} open`);
  t.is(ledger.requests.open + (ledger.requests.lost['memory'] ?? 0), 10_000);
  t.deepEqual(gapsOf(ledger), []);
  await replay.close();
});

test('a million handshakes that nobody ends take no more than there is, and who was there counts on', async (t) => {
  const { replay, spans } = startReplay({ memoryBytes: 16 * mebibyte });
  play(replay, openOf(0, client(get), server(ok)));
  const [syn] = openOf(1);
  if (syn === undefined) throw new Error('no segment');
  const frame = frameOf(syn);
  const [addressAt, portAt] = [14 + 12, 14 + 20];
  for (let at = 0; at < 1_000_000; at += 1) {
    frame.writeUInt16BE(at >>> 15, addressAt + 2);
    frame.writeUInt16BE(1_024 + (at & 0x7fff), portAt);
    replay.frame(7, true, startNs + 1_000_000n + BigInt(at), frame);
  }
  const full = replay.ledger();
  t.true(full.connections.open < (16 * mebibyte) / 800, `${full.connections.open} open`);
  t.true(full.connections.open > 10_000);
  const timeNs = startNs + 2_000_000_000n;
  const [last] = openOf(0, client(get), server(ok)).slice(-1);
  if (last === undefined) throw new Error('no segment');
  const seq = last.seq + last.payload.length;
  play(replay, [
    { ...last, timeNs, toPod: true, seq: last.ack, ack: seq, payload: get },
    { ...last, timeNs, seq, ack: last.ack + get.length, payload: ok },
  ]);
  await replay.flush();
  t.is(spans.length, 2);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('a length of two to the 31 takes no memory', async (t) => {
  const { replay, spans } = startReplay({ memoryBytes: mebibyte });
  const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n');
  const chunked = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80000000\r\n');
  for (const [at, response] of [head, chunked].entries()) {
    play(replay, openOf(at, client(get), server(response, Buffer.alloc(200_000, 120))));
    t.true(replay.ledger().bytes.pending < 1_024);
  }
  t.is(replay.ledger().requests.open, 2);
  t.deepEqual([spans.length, ...gapsOf(replay.ledger())], [0]);
  await replay.close();
});
