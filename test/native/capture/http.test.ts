import test from 'ava';

import type { CaptureLedger } from '../../../native/capture/types.ts';
import { type Exchange, gapsOf, play, segmentsOf, startNs, startReplay } from './conversation.ts';
import type { DecodedSpan } from './otlp.ts';

const lines = (...parts: readonly string[]): string => `${parts.join('\r\n')}\r\n\r\n`;

const raw = (request: string, response: string): Exchange => ({
  request: Buffer.from(request, 'latin1'),
  response: Buffer.from(response, 'latin1'),
  method: '',
  path: '',
  status: 0,
  requestBytes: 0,
  responseBytes: 0,
});

/** What a conversation gives; the pod serves unless it is said to call. */
async function read(
  exchanges: readonly Exchange[],
  podServes = true,
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const { replay, spans } = startReplay();
  play(
    replay,
    segmentsOf(
      exchanges.map((one) => [one]),
      { clientIsn: 7, serverIsn: 9, cuts: [37], podServes },
    ),
  );
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  return { spans, ledger };
}

const get = lines('GET / HTTP/1.1', 'Host: a');
const ok = lines('HTTP/1.1 200 OK', 'Content-Length: 0');

test('a body without length ends with the connection', async (t) => {
  const { spans, ledger } = await read([raw(get, `${lines('HTTP/1.0 200 OK')}${'x'.repeat(500)}`)]);
  t.like(spans[0]?.attributes, {
    'http.response.status_code': 200,
    'http.response.body.size': 500,
    'error.type': undefined,
  });
  t.deepEqual(gapsOf(ledger), []);
});

for (const [what, request, response, reason] of [
  [
    'an upgrade',
    lines('GET /chat HTTP/1.1', 'Host: a', 'Connection: upgrade', 'Upgrade: tunnel'),
    lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: tunnel'),
    'upgraded',
  ],
  [
    'CONNECT',
    lines('CONNECT b:443 HTTP/1.1', 'Host: b:443'),
    lines('HTTP/1.1 200 Connection established'),
    'unrecognised',
  ],
] as const)
  test(`after ${what} the rest of the connection is skipped`, async (t) => {
    const { spans, ledger } = await read([
      raw(request, response),
      raw('\x81\x05hello', '\x81\x05there'),
    ]);
    t.is(spans.length, 1);
    t.is(spans[0]?.attributes['error.type'], undefined);
    t.deepEqual(ledger.bytes.skipped, { [reason]: 14 });
    t.deepEqual(gapsOf(ledger), []);
  });

const foreign: readonly (readonly [what: string, request: string, reason: string])[] = [
  ['another version', lines('GET / HTTP/2.0', 'Host: a'), 'unrecognised'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00', 'tls'],
  ['a first line of another protocol', 'EHLO mail.example\r\n', 'unrecognised'],
];

for (const [what, request, reason] of foreign)
  test(`a request with ${what} ends the reading of its connection, counted`, async (t) => {
    const { spans, ledger } = await read([raw(request, ok), raw(get, ok)]);
    t.deepEqual(spans, []);
    t.deepEqual(ledger.bytes.skipped, { [reason]: ledger.wire.payloadBytes });
    t.deepEqual(gapsOf(ledger), []);
  });

test('another protocol is known by its first line: it does not hold up the watermark', async (t) => {
  const { replay } = startReplay();
  const early = segmentsOf([[raw('EHLO mail.example\r\n', '')]], {
    clientIsn: 7,
    serverIsn: 9,
    cuts: [37],
  });
  play(replay, early.slice(0, 3));
  replay.advance(startNs + 1_000_000_000n);
  t.is(replay.evidence(0).watermarkMs, Number((startNs + 1_000_000_000n) / 1_000_000n));
  await replay.close();
});

test('first bytes that may be of several protocols hold up the watermark, as long as an open request does', async (t) => {
  const { replay, spans } = startReplay();
  const cut = segmentsOf([[raw(lines('OPTIONS / HTTP/1.1', 'Host: a'), ok)]], {
    clientIsn: 7,
    serverIsn: 9,
    cuts: [4],
  });
  const watermark = (): number => replay.evidence(0).watermarkMs;
  const began = Number(startNs / 1_000_000n);
  play(replay, cut.slice(0, 4));
  replay.advance(startNs + 3_000_000_000n);
  t.true(watermark() <= began, 'the request may have begun');
  replay.advance(startNs + 60_000_000_000n);
  t.is(watermark(), began + 60_000, 'who says no more holds up nobody');
  play(replay, cut.slice(4));
  await replay.flush();
  t.is(spans.length, 1);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

const attacks: Readonly<Record<string, string>> = {
  'length and chunks': lines('POST / HTTP/1.1', 'Content-Length: 3', 'Transfer-Encoding: chunked'),
  'two lengths': lines('POST / HTTP/1.1', 'Content-Length: 3', 'Content-Length: 4'),
  'a signed length': lines('POST / HTTP/1.1', 'Content-Length: +3'),
  'a space before the colon': lines('POST / HTTP/1.1', 'Content-Length : 3'),
  'a folded length': lines('POST / HTTP/1.1', 'Content-Length: 1', ' 3'),
  'chunked twice': lines('POST / HTTP/1.1', 'Transfer-Encoding: chunked, chunked'),
  'chunked not last': lines('POST / HTTP/1.1', 'Transfer-Encoding: chunked, gzip'),
  'a coding without chunks': lines('POST / HTTP/1.1', 'Transfer-Encoding: gzip'),
};

for (const [what, request] of Object.entries(attacks))
  test(`a request with ${what} is counted, and nothing behind it is taken for a request`, async (t) => {
    const refused = lines('HTTP/1.1 400 Bad Request', 'Content-Length: 0');
    const { spans, ledger } = await read([raw(request, refused), raw(get, ok)]);
    t.deepEqual(
      spans.map(({ attributes }) => attributes['http.response.status_code']),
      [400],
    );
    t.is(ledger.requests.seen, 1);
    t.deepEqual(gapsOf(ledger), []);
  });

const oddities: Readonly<Record<string, string>> = {
  'a folded header': lines('GET / HTTP/1.1', 'A: b', ' Content-Length: 3'),
  'a zero byte': lines('GET / HTTP/1.1', 'A: \0'),
  'a header without a colon': lines('GET / HTTP/1.1', 'nothing'),
  'a header name that is no token': lines('GET / HTTP/1.1', 'Foo Bar(x): 1'),
  'blanks around the words of its line': lines('GET  / \t HTTP/1.1 ', 'Host: a'),
  'a later minor version': lines('GET / HTTP/1.2', 'Host: a'),
  'line feeds only': 'GET / HTTP/1.1\nHost: a\n\n',
};

for (const [what, request] of Object.entries(oddities))
  test(`a request with ${what} is read as servers read it`, async (t) => {
    const { spans, ledger } = await read([raw(request, ok), raw(get, ok)]);
    t.deepEqual(
      spans.map(({ attributes }) => attributes['url.path']),
      ['/', '/'],
    );
    t.deepEqual(ledger.bytes.skipped, {});
    t.deepEqual(gapsOf(ledger), []);
  });

test('of a response with both framings the chunks count', async (t) => {
  const both = lines('HTTP/1.1 200 OK', 'Content-Length: 99', 'Transfer-Encoding: chunked');
  const { spans } = await read([raw(get, `${both}3\r\nabc\r\n0\r\n\r\n`), raw(get, ok)]);
  t.deepEqual(
    spans.map(({ attributes }) => attributes['http.response.body.size']),
    [3, 0],
  );
});

test('an answer to a head that is not whole is paired with it', async (t) => {
  const late = lines('HTTP/1.1 408 Request Timeout', 'Content-Length: 0');
  const { spans, ledger } = await read([
    raw(get, ok),
    raw('GET /slow HTTP/1.1\r\nHost: a\r\nX-Clover-A', late),
  ]);
  t.deepEqual(
    spans.map(({ attributes }) => [
      attributes['url.path'],
      attributes['http.response.status_code'],
      attributes['error.type'],
    ]),
    [
      ['/', 200, undefined],
      ['/slow', 408, undefined],
    ],
  );
  t.deepEqual(gapsOf(ledger), []);
});

test('an answer that crosses the beginning of a request is not its answer', async (t) => {
  const { replay, spans } = startReplay();
  const [first, rest] = ['GET / HTTP/1.1\r\n', 'Host: a\r\n\r\n'];
  const segments = segmentsOf([[raw(first, '')], [raw(rest, ok)]], {
    clientIsn: 7,
    serverIsn: 9,
    cuts: [500],
  });
  const idle = Buffer.from(lines('HTTP/1.1 408 Idle', 'Content-Length: 0'));
  // Sent by the server before it had seen anything of the request.
  const crossing = segments
    .slice(4, 5)
    .map((answer) => Object.assign({}, answer, { ack: 8, payload: idle }));
  play(replay, [...segments.slice(0, 3), ...crossing, ...segments.slice(3, 4)]);
  t.is(replay.ledger().requests.spans, 0);
  t.is(replay.ledger().requests.open, 1);
  await replay.close();
  t.deepEqual(spans, []);
});

test('a user and a password in the target do not leave the node', async (t) => {
  const { spans } = await read([
    raw(lines('GET http://joe:secret@shop.example:99/p HTTP/1.1', 'Host: a'), ok),
  ]);
  t.is(spans[0]?.attributes['server.address'], 'shop.example');
  t.false(JSON.stringify(spans[0]?.attributes).includes('secret'));
});

test('a request whose answer cannot be read is lost and counted', async (t) => {
  const { ledger } = await read([raw(get, 'nonsense')]);
  t.deepEqual(ledger.requests.lost, { malformed: 1 });
  t.deepEqual(gapsOf(ledger), []);
});

const long = (size: number): string => lines('GET / HTTP/1.1', `X: ${'y'.repeat(size)}`);

test('of a head of nearly 64 KiB all is read', async (t) => {
  t.is((await read([raw(long(65_000), ok), raw(get, ok)])).spans.length, 2);
});

test('trace context and the stamp of the response are put on the span', async (t) => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { spans } = await read([
    raw(
      lines('GET /p?a=1&b&c=%20#f HTTP/1.1', `traceparent: ${traceparent}`, 'tracestate: x=1'),
      lines('HTTP/1.1 500 Oh', 'Content-Length: 0', 'X-Clover-Arm: run-a.12.variant'),
    ),
    raw(lines('GET / HTTP/1.1', `traceparent: ${traceparent.replace(/^00/, 'ff')}`), ok),
  ]);
  t.like(spans[0], {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    traceState: 'x=1',
    flags: 0x301,
    status: 2,
  });
  t.like(spans[0]?.attributes, {
    'url.query': 'a=REDACTED&REDACTED&c=REDACTED',
    'clover.run': 'run-a',
    'clover.epoch': 12,
    'clover.arm': 'variant',
    'error.type': '500',
  });
  t.is(spans[1]?.parentSpanId, '');
  t.regex(spans[1]?.traceId ?? '', /^(?!0{32})[0-9a-f]{32}$/);
});

test('a 404 is an error for the caller and not for the server', async (t) => {
  const missing = raw(get, lines('HTTP/1.1 404 No', 'Content-Length: 0'));
  const served = (await read([missing])).spans[0];
  const called = (await read([missing], false)).spans[0];
  t.like(served, { kind: 2, status: 0 });
  t.like(called, { kind: 3, status: 2 });
  t.is(called?.attributes['client.address'], undefined);
  t.is(called?.attributes['network.peer.port'], 8080);
});

test('text that is not UTF-8 and methods that nobody knows do no harm', async (t) => {
  const { spans } = await read([
    raw(lines('PURGE /\xff\xe9 HTTP/1.1', 'User-Agent: \xc3\xa9'), ok),
  ]);
  t.like(spans[0]?.attributes, {
    'http.request.method': '_OTHER',
    'http.request.method_original': 'PURGE',
    'url.path': '/??',
    'user_agent.original': 'é',
  });
  t.is(spans[0]?.name, 'HTTP');
});
