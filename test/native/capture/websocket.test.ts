import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import test from 'ava';
import fc from 'fast-check';

import { ofKind, onItsWay, seenFromBothEnds, spansAt } from './both-ends.ts';
import {
  client,
  gapsOf,
  play,
  pod,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
  wire,
  type Turn,
  type Wire,
} from './conversation.ts';
import type { CaptureLedger } from '../../../native/capture/types.ts';
import { portOf, startRecorder } from './http2-recorder.ts';
import type { DecodedSpan } from './otlp.ts';
import { closeOf, handshake, opcode, pushed, sent } from './websocket.ts';

async function read(
  turns: readonly Turn[],
  change: Partial<Wire> = {},
  keep: (index: number) => boolean = () => true,
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const { replay, spans } = startReplay();
  play(
    replay,
    segmentsOfTurns(turns, { ...wire, ...change }).filter((_, index) => keep(index)),
  );
  // A hole is waited for.
  replay.advance(startNs + 5_000_000_000n);
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  return { spans, ledger };
}

const counted = (span: DecodedSpan | undefined): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(span?.attributes ?? {}).flatMap(([key, value]) =>
      key.startsWith('clover.websocket.') ? [[key.slice('clover.websocket.'.length), value]] : [],
    ),
  );

const chat: readonly Turn[] = [
  ...handshake(),
  client(sent(opcode.text, 'hello', { final: false }), sent(opcode.ping, 'p')),
  server(pushed(opcode.pong, 'p'), pushed(opcode.binary, Buffer.alloc(300), { compressed: true })),
  client(sent(opcode.continuation, ' there')),
  server(
    pushed(opcode.text, Buffer.alloc(70_000, 'x')),
    pushed(opcode.close, closeOf(1001, 'secret')),
  ),
  client(sent(opcode.close, closeOf(1001))),
];

const counts = {
  'client.frames': 4,
  'client.messages': 1,
  'client.message_bytes': 11,
  'server.frames': 4,
  'server.messages': 2,
  'server.message_bytes': 70_300,
  closed_by: 'server',
  close_code: 1001,
};

test('a session is a span below that of its handshake, with what each end sent', async (t) => {
  const { spans, ledger } = await read(chat);
  const [opened, session] = spans;
  t.is(spans.length, 2);
  t.like(opened, {
    name: 'GET',
    attributes: { ...opened?.attributes, 'http.response.status_code': 101 },
  });
  t.like(session, {
    name: 'WebSocket session',
    traceId: opened?.traceId,
    parentSpanId: opened?.spanId,
    flags: 0x100,
    status: 0,
  });
  t.deepEqual(counted(session), counts);
  t.deepEqual(
    Object.fromEntries(
      Object.entries(session?.attributes ?? {}).filter(([key]) => !/^clover|peer/.test(key)),
    ),
    {
      'network.protocol.name': 'websocket',
      'url.path': '/chat',
      'server.address': 'chat.shop',
      'server.port': 8080,
      'client.address': '198.18.0.1',
    },
  );
  t.false(JSON.stringify(spans, (_, value: unknown) => String(value)).includes('secret'));
  t.deepEqual(gapsOf(ledger), []);
  t.deepEqual(ledger.bytes.skipped, {});
});

test('cut anywhere it is the same', async (t) => {
  const cuts = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(cuts, async (sizes) => {
      const { spans, ledger } = await read(chat, { cuts: sizes });
      t.deepEqual(counted(spans[1]), counts);
      t.deepEqual(gapsOf(ledger), []);
    }),
    { numRuns: 60 },
  );
});

for (const [what, code, error] of [
  ['whose purpose is fulfilled', 1000, undefined],
  ['that breaks the protocol', 1002, '1002'],
  ['of an application’s own code', 4001, '4001'],
] as const)
  test(`the end of a session ${what}`, async (t) => {
    const ends = [
      client(sent(opcode.close, closeOf(code))),
      server(pushed(opcode.close, closeOf(code))),
    ];
    const { spans } = await read([...handshake(), ...ends]);
    t.is(counted(spans[1])['close_code'], code);
    t.is(counted(spans[1])['closed_by'], 'client');
    t.is(spans[1]?.attributes['error.type'], error);
    t.is(spans[1]?.status, error === undefined ? 0 : 2);
  });

test('a connection that ends without a word is an error, and one that closes without a code is none', async (t) => {
  const silent = await read(handshake());
  t.is(silent.spans[1]?.attributes['error.type'], 'connection_closed');
  const short = await read([
    ...handshake(),
    server(pushed(opcode.close, '')),
    client(sent(opcode.close, '')),
  ]);
  t.is(short.spans[1]?.attributes['error.type'], undefined);
  t.false('close_code' in counted(short.spans[1]));
});

for (const [what, turn] of [
  ['a client that does not mask', client(pushed(opcode.text, 'x'))],
  ['a server that masks', server(sent(opcode.text, 'x'))],
  ['an opcode that is none', server(pushed(5, 'x'))],
  ['a control frame in parts', server(pushed(opcode.ping, 'x', { final: false }))],
  ['a continuation of nothing', server(pushed(opcode.continuation, 'x'))],
] as const)
  test(`${what} breaks the protocol, and all is accounted for`, async (t) => {
    const { spans, ledger } = await read([...handshake(), turn, server(Buffer.from('more'))]);
    t.is(spans.length, 1);
    t.deepEqual(ledger.requests.lost, {});
    t.deepEqual(ledger.sessions.lost, { malformed: 1 });
    t.deepEqual(gapsOf(ledger), []);
  });

test('a hole within a payload loses nothing of the counts; one over a frame’s head loses the session', async (t) => {
  const large = server(pushed(opcode.binary, Buffer.alloc(3_000)));
  const end = [
    server(pushed(opcode.close, closeOf(1000))),
    client(sent(opcode.close, closeOf(1000))),
  ];
  const turns = [...handshake(), large, ...end];
  // Two of the handshake of TCP and one each of that of WebSocket; the large frame is in four pieces.
  const within = await read(turns, { cuts: [1_000] }, (index) => index !== 5);
  t.is(counted(within.spans[1])['server.message_bytes'], 3_000);
  t.deepEqual(gapsOf(within.ledger), []);
  const over = await read(turns, { cuts: [1_000] }, (index) => index !== 4);
  t.deepEqual(over.ledger.sessions.lost, { hole: 1 });
  t.deepEqual(gapsOf(over.ledger), []);
});

test('both ends of a session are joined by their handshakes', async (t) => {
  const seen = seenFromBothEnds(chat, wire);
  const spans = await spansAt(onItsWay(seen.caller, seen.callee));
  t.is(spans.length, 4);
  const [calls, serves] = [ofKind(spans, 'CLIENT'), ofKind(spans, 'SERVER')];
  const handshakes = [calls, serves].map((some) => some.find(({ name }) => name === 'GET'));
  const sessions = [calls, serves].map((some) => some.find(({ name }) => name !== 'GET'));
  t.is(handshakes[1]?.parentSpanId, handshakes[0]?.spanId);
  t.deepEqual(
    sessions.map((session) => session?.parentSpanId),
    handshakes.map((span) => span?.spanId),
  );
  t.is(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  t.is(new Set(spans.map(({ spanId }) => spanId)).size, 4);
});

test('a session of Node’s own client', async (t) => {
  const http = createServer();
  http.on('upgrade', ({ headers }, socket) => {
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write([...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'));
    socket.write(pushed(opcode.text, 'welcome'));
    let heard = '';
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1');
      // Its second frame is its Close.
      if (heard.includes('\x88')) socket.end(pushed(opcode.close, closeOf(3000)));
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  await using recorder = await startRecorder(portOf(http));
  const socket = new WebSocket(`ws://127.0.0.1:${recorder.port}/chat`);
  const closed: Promise<unknown[]> = once(socket, 'close');
  await once(socket, 'message');
  socket.send('hello');
  socket.close(3000, 'done');
  await closed;
  http.close();
  const { spans, ledger } = await read(recorder.connections[0] ?? []);
  t.deepEqual(counted(spans[1]), {
    'client.frames': 2,
    'client.messages': 1,
    'client.message_bytes': 5,
    'server.frames': 2,
    'server.messages': 1,
    'server.message_bytes': 7,
    closed_by: 'client',
    close_code: 3000,
  });
  t.deepEqual(gapsOf(ledger), []);
});

test('any bytes behind a handshake leave the ledger closed', async (t) => {
  const some = fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 60 })), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(some, async (parts) => {
      const turns = parts.map(([asks, bytes]) => (asks ? client(bytes) : server(bytes)));
      const { ledger } = await read([...handshake(), ...turns]);
      t.deepEqual(gapsOf(ledger), []);
      t.is(ledger.requests.seen, 1);
      t.is(ledger.sessions.seen, 1);
    }),
    { numRuns: 300 },
  );
});

test('a session is no request in ledger, metrics and access log, and a span all the same', async (t) => {
  let records = 0;
  const { replay, spans } = startReplay({ onRecords: (batch) => (records += batch.records) });
  replay.attach(7, pod, { accessLog: true });
  const talk = [
    ...handshake(),
    client(sent(opcode.text, 'hello')),
    server(pushed(opcode.close, closeOf(1000))),
    client(sent(opcode.close, closeOf(1000))),
  ];
  play(replay, segmentsOfTurns(talk, wire));
  const each = { seen: 1, spans: 1, sampledOut: 0, open: 0, lost: {} };
  t.like(replay.ledger(), { requests: each, sessions: each });
  const { sides } = replay.metrics();
  t.like(sides, [{ started: 1, open: 0, lost: {} }]);
  const inBuckets = sides.flatMap(({ series }) => series.flatMap(({ buckets }) => buckets));
  t.is(
    inBuckets.reduce((all, one) => all + one, 0),
    1,
  );
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
  t.is(spans.length, 2);
  t.is(records, 1);
});
