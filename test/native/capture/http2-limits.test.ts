import test from 'ava';

import { client, server, gapsOf, play, segmentsOfTurns, startReplay } from './conversation.ts';
import {
  data,
  frame,
  frameFlag,
  frameType,
  type HeaderField,
  headers,
  HpackEncoder,
} from './http2.ts';
import { exchangesOf, hex, ok, opening, readTurns } from './http2-conversation.ts';

const fields: readonly HeaderField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/x'],
];
const get = new HpackEncoder().encode(fields, 'plain');

const flood = (part: Uint8Array): Buffer =>
  Buffer.concat([
    frame(frameType.headers, frameFlag.endStream, 1, get),
    ...Array.from({ length: 10_000 }, () => frame(frameType.continuation, 0, 1, part)),
    frame(frameType.continuation, frameFlag.endHeaders, 1, Buffer.alloc(0)),
  ]);

test('ten thousand CONTINUATIONs are read or stepped over, and what follows is read', async (t) => {
  const field = new HpackEncoder().encode([['x-field', 'y'.repeat(80)]], 'plain');
  for (const [part, incomplete] of [
    [Buffer.alloc(0), undefined],
    [field, 1],
  ] as const) {
    const { spans, ledger } = await readTurns([
      ...opening,
      client(flood(part)),
      server(headers(1, ok, true)),
      client(headers(3, get, true)),
      server(headers(3, ok, true)),
    ]);
    t.deepEqual(
      spans.map(({ attributes: a }) => [a['url.path'], a['clover.incomplete']]),
      [
        ['/x', incomplete],
        ['/x', undefined],
      ],
    );
    t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
  }
});

test('a connection in segments of one byte is read', async (t) => {
  const encoder = new HpackEncoder();
  const requests = Array.from({ length: 20 }, (_, index) =>
    encoder.encode([...fields.slice(0, 2), [':path', `/${index % 3}`], ['user-agent', 'a']]),
  );
  const { spans, ledger } = await readTurns([...opening, ...exchangesOf(requests)], 0, {
    cuts: [1],
  });
  t.deepEqual(
    spans.map(({ attributes: a }) => a['url.path']),
    requests.map((_, index) => `/${index % 3}`),
  );
  t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
});

test('streams beyond ten thousand that are open at once are counted, and not followed', async (t) => {
  const count = 12_000;
  const ids = Array.from({ length: count }, (_, index) => 2 * index + 1);
  const { spans, ledger } = await readTurns([
    ...opening,
    client(...ids.map((id) => headers(id, get, true))),
    server(...ids.map((id) => headers(id, ok, true))),
    client(headers(2 * count + 1, get, true)),
    server(headers(2 * count + 1, ok, true)),
  ]);
  t.is(spans.length, 10_001);
  t.deepEqual(ledger.requests.lost, { too_many_streams: 2000 });
  t.is(ledger.requests.seen, count + 1);
});

test('a frame that begins and never ends is pending, and no more than 64 KiB of it is kept', async (t) => {
  const endless = frame(frameType.headers, 0, 1, Buffer.alloc(16_000, get));
  const part = frame(frameType.continuation, 0, 1, Buffer.alloc(16_000));
  const { spans, ledger } = await readTurns([
    ...opening,
    client(endless, ...Array.from({ length: 40 }, () => part)),
  ]);
  t.deepEqual(spans, []);
  t.is(ledger.requests.seen, 0);
  t.true((ledger.bytes.skipped['incomplete'] ?? 0) <= 64 * 1024);
  t.is(ledger.bytes.pending, 0);
});

test('bodies that look like frames are bodies', async (t) => {
  const lure = Buffer.concat(
    Array.from({ length: 30 }, (_, index) => headers(101 + 2 * index, get, true)),
  );
  for (const cuts of [[60_000], [22], [1, 5, 9]]) {
    const { spans } = await readTurns(
      [...opening, client(headers(1, get), data(1, lure)), server(headers(1, ok), data(1, lure))],
      0,
      { cuts },
    );
    t.is(spans.length, 1);
    t.is(spans[0]?.attributes['http.request.body.size'], lure.length);
  }
});

test('a server may speak first, and one of another protocol is told from it', async (t) => {
  const [asks, answers] = opening;
  if (asks === undefined || answers === undefined) throw new Error('no opening');
  const { spans } = await readTurns([answers, asks, ...exchangesOf([hex('828684')])], 0, {
    cuts: [4],
  });
  t.is(spans.length, 1);
  const refused = Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
  const { ledger } = await readTurns([asks, { from: 'server', bytes: refused }]);
  t.true((ledger.bytes.skipped['unrecognised'] ?? 0) > 0);
  t.is(ledger.requests.seen, 0);
});

test('tables of very many connections stay within their share of memory, and nothing wrong is said', async (t) => {
  const { replay, spans } = startReplay();
  for (let connection = 0; connection < 3000; connection++) {
    const encoder = new HpackEncoder();
    const agent = `agent/${connection}`;
    const block = (): Buffer =>
      encoder.encode([...fields, ['user-agent', agent], ['x-long', 'y'.repeat(3700)]]);
    const segments = segmentsOfTurns([...opening, ...exchangesOf([block(), block()])], {
      clientIsn: 1,
      serverIsn: 2,
      cuts: [10_000],
      peerPort: 1024 + connection,
      stepNs: 1n,
    });
    // They stay open.
    play(replay, segments.slice(0, -2));
  }
  await replay.flush();
  t.is(spans.length, 6000);
  for (const { attributes: a } of spans)
    if (a['user_agent.original'] === undefined) t.is(a['clover.incomplete'], 1);
    else t.is(a['user_agent.original'], `agent/${Number(a['network.peer.port']) - 1024}`);
  t.true(replay.ledger().headerFields.unknown > 0);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});
