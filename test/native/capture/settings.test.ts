import test from 'ava';

import type { TraceSettings } from '../../../native/capture/trace-settings.ts';
import {
  client,
  gapsOf,
  headOf,
  play,
  pod,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
  wire,
  type Turn,
} from './conversation.ts';
import { answerOf, flow, queryOf, types, www } from './dns.ts';
import { frame, frameType, type HeaderField, headers, HpackEncoder } from './http2.ts';
import { base, opening } from './http2-conversation.ts';
import { headersOf, spansOf } from './under-settings.ts';
import { command } from './redis.ts';

const tenancy: TraceSettings = {
  requestHeaders: ['x-tenant', 'authorization', 'referer', 'x-subscriber', 'x-request-id'],
  responseHeaders: ['via', 'set-cookie', 'location'],
};

test('headers that a Tap names are kept with all their values, and credentials and subscribers are not', async (t) => {
  const asked = headOf(
    'GET /p HTTP/1.1',
    'Host: cart',
    'X-Tenant: blue ',
    'x-tenant: green',
    'Authorization: Bearer secret',
    'Referer: https://ann:secret@shop.example/cart?token=secret&x#secret',
    'X-Subscriber: imsi-262011234567890',
    'X-Request-Id: r-1',
    'X-Other: secret',
  );
  const answered = headOf(
    'HTTP/1.1 302 Found',
    'Via: 1.1 a',
    'Set-Cookie: id=secret',
    'Location: /next?token=secret',
    'X-Other: secret',
    'Content-Length: 0',
  );
  const [span] = await spansOf([client(asked), server(answered)], tenancy);
  t.deepEqual(headersOf(span), {
    'http.request.header.x-tenant': 'blue, green',
    'http.request.header.authorization': 'REDACTED',
    'http.request.header.referer': 'https://shop.example/cart?token=REDACTED&REDACTED',
    'http.request.header.x-subscriber': 'imsi-REDACTED',
    'http.request.header.x-request-id': 'r-1',
    'http.response.header.via': '1.1 a',
    'http.response.header.set-cookie': 'REDACTED',
    'http.response.header.location': '/next?token=REDACTED',
  });
});

const indexed: readonly HeaderField[] = [
  ['x-tenant', 'blue'],
  ['authorization', 'Bearer secret'],
  ['referer', '/a?b=secret'],
];

test('HTTP/2 keeps them by name and by index, in every block', async (t) => {
  const [asks, answers] = [new HpackEncoder(), new HpackEncoder()];
  const turns = [1, 3].flatMap((stream): Turn[] => [
    client(headers(stream, asks.encode([...base, ...indexed]), true)),
    server(
      headers(
        stream,
        answers.encode([
          [':status', '200'],
          ['via', '1.1 a'],
        ]),
        true,
      ),
    ),
  ]);
  const spans = await spansOf([...opening, ...turns], tenancy);
  t.is(spans.length, 2);
  for (const span of spans)
    t.deepEqual(headersOf(span), {
      'http.request.header.x-tenant': 'blue',
      'http.request.header.authorization': 'REDACTED',
      'http.request.header.referer': '/a?b=REDACTED',
      'http.response.header.via': '1.1 a',
    });
});

test('of gRPC they are metadata', async (t) => {
  const asks = new HpackEncoder().encode([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/shop.Cart/Add'],
    ['content-type', 'application/grpc'],
    ['x-tenant', 'blue'],
  ]);
  const answers = new HpackEncoder().encode([
    [':status', '200'],
    ['content-type', 'application/grpc'],
    ['via', '1.1 a'],
    ['grpc-status', '0'],
  ]);
  const turns = [client(headers(1, asks, true)), server(headers(1, answers, true))];
  const [span] = await spansOf([...opening, ...turns], tenancy);
  t.deepEqual(headersOf(span), {
    'rpc.request.metadata.x-tenant': 'blue',
    'rpc.response.metadata.via': '1.1 a',
  });
});

const http = [
  client(headOf('GET /p HTTP/1.1', 'Host: cart')),
  server(headOf('HTTP/1.1 200 OK', 'Content-Length: 0')),
];
const redis = [client(Buffer.from(command('GET', 'a'))), server(Buffer.from('$-1\r\n'))];

test('a protocol that no Tap selects is skipped by name, over TCP and UDP', async (t) => {
  const { replay, spans } = startReplay();
  replay.attach(7, pod, { protocols: ['http'] });
  play(replay, segmentsOfTurns(http, wire));
  play(replay, segmentsOfTurns(redis, { ...wire, peerPort: 40_001 }));
  play(replay, flow(['up', queryOf(7, www, types.A)], ['down', answerOf(7, www, types.A)]));
  await replay.flush();
  t.deepEqual(
    spans.map(({ name }) => name),
    ['GET'],
  );
  const ledger = replay.ledger();
  t.deepEqual(gapsOf(ledger), []);
  const bytes = [
    ...redis.map((turn) => turn.bytes),
    queryOf(7, www, types.A),
    answerOf(7, www, types.A),
  ];
  t.deepEqual(ledger.bytes.skipped, {
    not_selected: bytes.reduce((sum, { length }) => sum + length, 0),
  });
  t.is(ledger.requests.seen, 1);
  await replay.close();
});

test('protocols are selected while connections last: open requests are lost by name, and later ones are joined', async (t) => {
  const { replay, spans } = startReplay();
  const groups = Array.from({ length: 4 }, () => http);
  const segments = segmentsOfTurns(groups.flat(), wire);
  // The handshake and a whole request, and another without its response.
  play(replay, segments.slice(0, 5));
  replay.attach(7, pod, { protocols: ['redis'] });
  t.deepEqual(replay.ledger().requests.lost, { detached: 1 });
  play(replay, segments.slice(5, 8));
  t.is(replay.ledger().requests.seen, 2);
  replay.attach(7, pod, {});
  play(replay, segments.slice(8));
  await replay.flush();
  t.deepEqual(gapsOf(replay.ledger()), []);
  t.is(spans.length, 2);
  t.is(spans[1]?.startNs, startNs + 80_000n);
  await replay.close();
});

test('a header that is asked for later is kept where it is sent anew', async (t) => {
  const { replay, spans } = startReplay();
  const encoder = new HpackEncoder();
  const turns = [
    [['x-tenant', 'blue']] as const,
    [['x-tenant', 'blue']] as const,
    [['x-tenant', 'green']] as const,
  ].flatMap((fields, index): Turn[] => [
    client(headers(2 * index + 1, encoder.encode([...base, ...fields]), true)),
    server(headers(2 * index + 1, Buffer.from([0x88]), true)),
  ]);
  const segments = segmentsOfTurns([...opening, ...turns], wire);
  play(replay, segments.slice(0, 6));
  replay.attach(7, pod, tenancy);
  play(replay, segments.slice(6));
  await replay.flush();
  t.deepEqual(
    spans.map(
      ({ attributes: { 'http.request.header.x-tenant': tenant, 'clover.incomplete': torn } }) => [
        tenant,
        torn,
      ],
    ),
    [
      [undefined, undefined],
      [undefined, 1],
      ['green', undefined],
    ],
  );
  await replay.close();
});

test('with PING frames between, too, an unselected HTTP/2 connection is taken up again', async (t) => {
  const { replay, spans } = startReplay();
  const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
  const encoder = new HpackEncoder();
  const turns = [0, 1].flatMap((index): Turn[] => [
    client(ping, headers(2 * index + 1, encoder.encode(base, 'plain'), true)),
    server(headers(2 * index + 1, Buffer.from([0x88]), true)),
  ]);
  replay.attach(7, pod, { protocols: ['dns'] });
  const segments = segmentsOfTurns([...opening, ...turns], wire);
  play(replay, segments.slice(0, 6));
  t.is(replay.ledger().requests.seen, 0);
  replay.attach(7, pod, { protocols: ['http2'] });
  play(replay, segments.slice(6));
  await replay.flush();
  t.deepEqual(gapsOf(replay.ledger()), []);
  t.is(spans.length, 1);
  await replay.close();
});
