import test from 'ava';

import type { CaptureLedger } from '../../../native/capture/types.ts';
import { type Exchange, gapsOf, play, segmentsOf, startReplay } from './conversation.ts';
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

for (const [what, request, response] of [
  [
    'an upgrade',
    lines('GET /chat HTTP/1.1', 'Host: a', 'Connection: upgrade', 'Upgrade: websocket'),
    lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket'),
  ],
  [
    'CONNECT',
    lines('CONNECT b:443 HTTP/1.1', 'Host: b:443'),
    lines('HTTP/1.1 200 Connection established'),
  ],
] as const)
  test(`after ${what} the rest of the connection is skipped`, async (t) => {
    const { spans, ledger } = await read([
      raw(request, response),
      raw('\x81\x05hello', '\x81\x05there'),
    ]);
    t.is(spans.length, 1);
    t.is(spans[0]?.attributes['error.type'], undefined);
    t.deepEqual(ledger.bytes.skipped, { upgraded: 14 });
    t.deepEqual(gapsOf(ledger), []);
  });

const attacks: Readonly<Record<string, string>> = {
  'length and chunks': lines('POST / HTTP/1.1', 'Content-Length: 3', 'Transfer-Encoding: chunked'),
  'two lengths': lines('POST / HTTP/1.1', 'Content-Length: 3', 'Content-Length: 4'),
  'a signed length': lines('POST / HTTP/1.1', 'Content-Length: +3'),
  'a space before the colon': lines('POST / HTTP/1.1', 'Content-Length : 3'),
  'a folded header': lines('GET / HTTP/1.1', 'A: b', ' c'),
  'chunked twice': lines('POST / HTTP/1.1', 'Transfer-Encoding: chunked, chunked'),
  'chunked not last': lines('POST / HTTP/1.1', 'Transfer-Encoding: chunked, gzip'),
  'a coding without chunks': lines('POST / HTTP/1.1', 'Transfer-Encoding: gzip'),
  'a zero byte': lines('GET / HTTP/1.1', 'A: \0'),
  'another version': lines('GET / HTTP/2.0', 'Host: a'),
  'no HTTP at all': '\x16\x03\x01\x02\x00\x01\x00',
};

for (const [what, request] of Object.entries(attacks))
  test(`a request with ${what} ends the reading of its connection, counted`, async (t) => {
    const { spans, ledger } = await read([raw(request, ok), raw(get, ok)]);
    t.deepEqual(spans, []);
    t.is(ledger.bytes.skipped['not_http'], ledger.wire.payloadBytes);
    t.deepEqual(gapsOf(ledger), []);
  });

test('a request whose answer cannot be read is lost and counted', async (t) => {
  const { ledger } = await read([raw(get, 'nonsense')]);
  t.deepEqual(ledger.requests.lost, { not_http: 1 });
  t.deepEqual(gapsOf(ledger), []);
});

const long = (size: number): string => lines('GET / HTTP/1.1', `X: ${'y'.repeat(size)}`);

test('a head of nearly 64 KiB is read, a longer one is not', async (t) => {
  t.is((await read([raw(long(65_000), ok)])).spans.length, 1);
  t.is((await read([raw(long(66_000), ok)])).spans.length, 0);
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
    'url.query': 'a=REDACTED&b&c=REDACTED',
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
