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
import { queryOf, types, www } from './dns.ts';
import { frameOf, type TcpSegment } from './frames.ts';

const mebibyte = 2 ** 20;
const get = Buffer.from('GET /items HTTP/1.1\r\nHost: a\r\n\r\n');
const ok = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
/** A head that goes on and on, a little shorter than the longest. */
const endless = Buffer.from(`GET / HTTP/1.1\r\nCookie: ${'x'.repeat(60_000)}`);

/** Of a frame: the lower half of the sender's address, and its port. */
const [addressAt, portAt] = [14 + 14, 14 + 20];

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

test('a connection whose protocol was not told yet gives way, and is read on from its next request', async (t) => {
  const { replay, spans } = startReplay({ memoryBytes: mebibyte });
  // A target without an end: that of HTTP, or of SIP.
  const first = openOf(0, client(Buffer.from(`OPTIONS sip${'x'.repeat(4_000)}`)));
  play(replay, first);
  t.is(spans.length, 0);
  for (let at = 1; at < 400; at += 1)
    play(replay, openOf(at, client(Buffer.from(`OPTIONS sip${'x'.repeat(4_000)}`))));
  const given = Object.keys(replay.ledger().bytes.skipped);
  t.deepEqual(given, ['resync']);
  const last = first.at(-1);
  if (last === undefined) throw new Error('no segment');
  const timeNs = startNs + 1_000_000_000n;
  const seq = last.seq + last.payload.length;
  play(replay, [
    { ...last, timeNs, seq, payload: get },
    { ...last, timeNs, toPod: false, seq: last.ack, ack: seq + get.length, payload: ok },
  ]);
  await replay.flush();
  t.is(spans.length, 1);
  t.deepEqual(gapsOf(replay.ledger()), []);
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

test('queries over UDP that nobody answers are lost by name, the oldest first', async (t) => {
  const { replay } = startReplay({ memoryBytes: mebibyte });
  const payload = queryOf(7, www, types.A);
  for (let at = 0; at < 3_000; at += 1) {
    const timeNs = startNs + BigInt(at) * 1_000n;
    play(replay, [{ toPod: true, payload, timeNs, podPort: 53, peerPort: 1_024 + at }]);
  }
  const { requests } = replay.ledger();
  t.is(requests.seen, 3_000);
  t.true(requests.open > 100 && requests.open * 1_024 < 1.2 * mebibyte, `${requests.open} open`);
  t.is(requests.lost['memory'], 3_000 - requests.open);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('a million handshakes that nobody ends take no more than there is, and who was there counts on', async (t) => {
  const { replay, spans } = startReplay({ memoryBytes: 16 * mebibyte });
  play(replay, openOf(0, client(get), server(ok)));
  const [syn] = openOf(1);
  if (syn === undefined) throw new Error('no segment');
  const frame = frameOf(syn);
  for (let at = 0; at < 1_000_000; at += 1) {
    frame.writeUInt16BE(at >>> 15, addressAt);
    frame.writeUInt16BE(1_024 + (at & 0x7fff), portAt);
    replay.frame(7, true, startNs + 1_000_000n + BigInt(at), frame);
  }
  const { connections } = replay.ledger();
  t.true(connections.open < (16 * mebibyte) / 480, `${connections.open} open`);
  t.true(connections.open > 25_000, `${connections.open} open`);
  t.is(connections.seen, 1_000_000);
  t.is(connections.evicted, connections.seen - connections.open);
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

test('a million connections whose first bytes say nothing are followed as far as there is room, and who comes then counts', async (t) => {
  const { replay, spans } = startReplay();
  const [syn, , bytes] = openOf(1, client(Buffer.from('GET / HTT')));
  if (syn === undefined || bytes === undefined) throw new Error('no segment');
  const frames = [frameOf(syn), frameOf(bytes)];
  for (let at = 0; at < 1_000_000; at += 1) {
    for (const frame of frames) {
      frame.writeUInt16BE(at >>> 15, addressAt);
      frame.writeUInt16BE(1_024 + (at & 0x7fff), portAt);
      replay.frame(7, true, startNs + 1_000n * BigInt(at), frame);
    }
  }
  const flood = replay.ledger();
  t.like(flood.connections, { open: 100_000, seen: 1_000_000, evicted: 900_000 });
  t.deepEqual(gapsOf(flood), []);
  play(
    replay,
    segmentsOfTurns([client(get), server(ok)], { ...wireOf(0), timeNs: startNs + 1_000_000_000n }),
  );
  await replay.flush();
  t.is(spans.length, 1);
  await replay.close();
  const over = replay.ledger();
  t.is(over.bytes.pending, 0);
  t.deepEqual(gapsOf(over), []);
});

test('of connections without room for all those go first on which nothing was said', async (t) => {
  const { replay, spans } = startReplay();
  play(replay, openOf(0, client(get), server(ok), client(get)));
  const [syn] = openOf(1);
  if (syn === undefined) throw new Error('no segment');
  const frame = frameOf(syn);
  for (let at = 0; at < 100_000; at += 1) {
    frame.writeUInt16BE(at >>> 15, addressAt);
    frame.writeUInt16BE(2_000 + (at & 0x7fff), portAt);
    replay.frame(7, true, startNs + 1_000_000n + BigInt(at), frame);
  }
  t.like(replay.ledger().connections, { open: 100_000, seen: 100_001, evicted: 1 });
  const [answer] = openOf(0, client(get), server(ok), client(get), server(ok)).slice(-1);
  if (answer === undefined) throw new Error('no segment');
  play(replay, [{ ...answer, timeNs: startNs + 2_000_000n }]);
  await replay.flush();
  t.is(spans.length, 2);
  await replay.close();
});

test('requests without an answer are followed up to a number, and then lost by name', async (t) => {
  const { replay } = startReplay();
  const pipelined = client(Buffer.alloc(240_000 * get.length, get));
  play(replay, openOf(0, pipelined));
  const ledger = replay.ledger();
  t.like(ledger.requests, { seen: 4_097, open: 0, lost: { too_many_open: 4_097 } });
  t.is(ledger.bytes.parsed + (ledger.bytes.skipped['too_many_open'] ?? 0), pipelined.bytes.length);
  t.deepEqual(gapsOf(ledger), []);
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
