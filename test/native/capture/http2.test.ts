import test from 'ava';

import { client, server } from './conversation.ts';
import {
  data,
  frame,
  frameFlag,
  frameType,
  headers,
  HpackEncoder,
  preface,
  settings,
} from './http2.ts';
import {
  base,
  block,
  exchangesOf,
  get,
  hex,
  ok,
  opening,
  readTurns,
} from './http2-conversation.ts';

test('a request and its response by the conventions', async (t) => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { spans, ledger } = await readTurns([
    ...opening,
    client(
      headers(
        1,
        block(
          [':method', 'POST'],
          ...base.slice(1),
          ['user-agent', 'curl/8'],
          ['authorization', 'Bearer secret'],
          ['traceparent', traceparent],
          ['tracestate', 'x=1'],
        ),
      ),
      data(1, 'hello', false),
      data(1, ' you'),
    ),
    server(
      headers(1, block([':status', '503'], ['x-clover-arm', 'run-a.12.variant'])),
      data(1, 'no'),
    ),
  ]);
  t.is(spans.length, 1);
  t.like(spans[0], {
    name: 'POST',
    kind: 2,
    status: 2,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    traceState: 'x=1',
  });
  t.deepEqual(
    Object.fromEntries(
      Object.entries(spans[0]?.attributes ?? {}).filter(
        ([key]) => !/^network.peer|first_byte/.test(key),
      ),
    ),
    {
      'http.request.method': 'POST',
      'url.path': '/p',
      'url.query': 'a=REDACTED',
      'url.scheme': 'http',
      'server.address': 'shop.example',
      'server.port': 8080,
      'client.address': '198.18.0.1',
      'network.protocol.version': '2',
      'user_agent.original': 'curl/8',
      'http.request.body.size': 9,
      'http.response.status_code': 503,
      'http.response.body.size': 2,
      'error.type': '503',
      'clover.run': 'run-a',
      'clover.epoch': 12,
      'clover.arm': 'variant',
      'clover.hop': 'tcp.sequence',
    },
  );
  t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
});

test('streams that are answered in any order are told apart', async (t) => {
  const ids = [1, 3, 5, 7];
  const { spans } = await readTurns([
    ...opening,
    client(...ids.map((id) => headers(id, block([':method', 'GET'], [':path', `/${id}`]), true))),
    server(headers(7, ok), headers(3, block([':status', '404']), true), data(7, 'a', false)),
    server(headers(1, ok), data(7, 'b', false), data(1, 'ccc'), headers(5, ok, true), data(7, '')),
  ]);
  t.deepEqual(
    spans.map(({ attributes: a }) => [
      a['url.path'],
      a['http.response.status_code'],
      a['http.response.body.size'],
    ]),
    [
      ['/3', 404, 0],
      ['/1', 200, 3],
      ['/5', 200, 0],
      ['/7', 200, 2],
    ],
  );
});

test('padding, priority, CONTINUATION and frames of types that nobody knows', async (t) => {
  const padded = Buffer.concat([Buffer.from([7]), Buffer.alloc(5), get, Buffer.alloc(7, 0xff)]);
  const { spans, ledger } = await readTurns([
    ...opening,
    client(
      frame(
        frameType.headers,
        frameFlag.padded | frameFlag.priority | frameFlag.endHeaders,
        1,
        padded,
      ),
      frame(0x42, 0xff, 99, Buffer.from('what')),
      frame(frameType.priority, 0, 3, Buffer.alloc(5)),
      frame(frameType.ping, 0, 0, Buffer.alloc(8)),
      frame(frameType.windowUpdate, 0, 0, Buffer.from([0, 0, 1, 0])),
      frame(frameType.data, frameFlag.padded, 1, Buffer.from([3, 65, 66, 0, 0, 0])),
      frame(frameType.data, frameFlag.padded | frameFlag.endStream, 1, Buffer.from([0])),
    ),
    server(headers(1, block([':status', '200'], ['x-long', 'y'.repeat(200)]), true, 3)),
  ]);
  t.is(spans[0]?.attributes['http.request.body.size'], 2);
  t.is(spans[0]?.attributes['url.path'], '/p');
  t.is(spans[0]?.attributes['http.response.status_code'], 200);
  t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
});

test('responses before the last one are none, and trailers end a response', async (t) => {
  const { spans } = await readTurns([
    ...opening,
    client(headers(1, get), data(1, 'x', false), headers(1, block(['checksum', '1']), true)),
    server(headers(1, block([':status', '103'], ['link', '</a>']))),
    server(headers(1, block([':status', '100']))),
    server(headers(1, ok), data(1, 'abc', false), headers(1, block(['server-timing', 'x']), true)),
  ]);
  t.is(spans.length, 1);
  t.is(spans[0]?.attributes['http.response.status_code'], 200);
  t.is(spans[0]?.attributes['http.response.body.size'], 3);
});

test('a promised response is stepped over, and what its block inserts is known', async (t) => {
  const encoder = new HpackEncoder();
  const promise = Buffer.concat([
    Buffer.from([0, 0, 0, 2]),
    encoder.encode([...base, ['x-pushed', '1']]),
  ]);
  const { spans, ledger } = await readTurns([
    ...opening,
    client(headers(1, get, true)),
    server(
      frame(frameType.push, frameFlag.endHeaders, 1, promise),
      headers(
        2,
        encoder.encode([
          [':status', '201'],
          ['x-pushed', '1'],
        ]),
      ),
      headers(
        1,
        encoder.encode([
          [':status', '201'],
          ['x-pushed', '1'],
        ]),
        true,
      ),
      data(2, 'pushed'),
    ),
  ]);
  t.deepEqual(
    spans.map(({ attributes }) => attributes['http.response.status_code']),
    [201],
  );
  t.deepEqual(ledger.headerFields.unknown, 0);
});

test('CONNECT has neither path nor scheme, and ends with its answer; an extended one has both', async (t) => {
  const { spans } = await readTurns([
    ...opening,
    client(headers(1, block([':method', 'CONNECT'], [':authority', 'db.example:5432']))),
    server(headers(1, ok)),
    client(data(1, 'secret')),
    client(headers(3, block([':method', 'CONNECT'], [':protocol', 'websocket'], ...base.slice(1)))),
    server(headers(3, ok), data(1, 'secret'), data(3, 'frames')),
  ]);
  t.deepEqual(
    spans.map(({ attributes: a }) => [
      a['server.address'],
      a['url.path'],
      a['http.response.body.size'],
    ]),
    [
      ['db.example', undefined, 0],
      ['shop.example', '/p', 6],
    ],
  );
});

test('an upgraded HTTP/1.1 request is answered on stream 1', async (t) => {
  const ask = [
    'POST /up HTTP/1.1',
    'Host: shop',
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
    'Content-Length: 4',
    '',
    'body',
  ].join('\r\n');
  const switching =
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
  for (const cuts of [[60_000], [1], [7, 30]]) {
    const { spans, ledger } = await readTurns(
      [
        client(Buffer.from(ask)),
        server(
          Buffer.from(switching),
          settings(),
          headers(1, block([':status', '202'])),
          data(1, 'ok'),
        ),
        client(preface, settings(), headers(3, get, true)),
        server(headers(3, ok, true)),
      ],
      0,
      { cuts },
    );
    t.deepEqual(
      spans.map(({ attributes: a }) => [
        a['url.path'],
        a['http.response.status_code'],
        a['http.request.body.size'],
        a['http.response.body.size'],
      ]),
      [
        ['/up', 202, 4, 2],
        ['/p', 200, undefined, 0],
      ],
    );
    t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
  }
});

test('as a caller the pod sees its own stamp and every failure', async (t) => {
  const { spans } = await readTurns(
    [
      ...opening,
      client(headers(1, block(...base, ['x-clover-arm', 'run-a.3.control']), true)),
      server(headers(1, block([':status', '404']), true)),
    ],
    0,
    { podServes: false },
  );
  t.like(spans[0], { kind: 3, status: 2 });
  t.like(spans[0]?.attributes, { 'clover.arm': 'control', 'error.type': '404' });
});

test('frames as long as the other end allows are read', async (t) => {
  const { spans } = await readTurns([
    client(preface, settings([5, 100_000])),
    server(settings([5, 200_000])),
    client(headers(1, get), frame(0, 1, 1, Buffer.alloc(150_000))),
    server(headers(1, ok), frame(0, 1, 1, Buffer.alloc(90_000))),
  ]);
  t.is(spans[0]?.attributes['http.request.body.size'], 150_000);
  t.is(spans[0]?.attributes['http.response.body.size'], 90_000);
});

test('a request without what a request has is counted, and named HTTP', async (t) => {
  const { spans, ledger } = await readTurns([
    ...opening,
    ...exchangesOf([block(['a', 'b']), hex('')]),
  ]);
  t.deepEqual(
    spans.map(({ name }) => name),
    ['HTTP', 'HTTP'],
  );
  t.is(ledger.requests.seen, 2);
});
