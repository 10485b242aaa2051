import test from 'ava';

import { readPackets, segmentsOfTurns, startNs, type Turn } from './conversation.ts';
import { heartbeat } from './kafka.ts';
import type { DecodedSpan } from './otlp.ts';

const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const ask = (text: string): Turn => ({ from: 'client', bytes: Buffer.from(text, 'latin1') });
const answer = (text: string): Turn => ({ from: 'server', bytes: Buffer.from(text, 'latin1') });

async function read(...turns: readonly Turn[]): Promise<readonly DecodedSpan[]> {
  const { spans } = await readPackets(
    segmentsOfTurns(turns, { clientIsn: 7, serverIsn: 9, cuts: [60_000] }),
  );
  return spans;
}

const statusOf = ({ attributes: a }: DecodedSpan): string =>
  `${a['url.path'] ?? a['messaging.operation.name']} ${a['http.response.status_code'] ?? ''}`.trim();

/** When the segment with this number, from 0 behind the handshake, was sent. */
const at = (segment: number): bigint => startNs + BigInt(segment + 2) * 10_000n;

test('a request that waits for 100 has the times of its own first and last bytes', async (t) => {
  const [span] = await read(
    ask(head('POST /up HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 4')),
    answer(head('HTTP/1.1 100 Continue')),
    ask('body'),
    answer(head('HTTP/1.1 102 Processing') + head('HTTP/1.1 103 Early Hints', 'Link: </a>')),
    answer(head('HTTP/1.1 201 Created', 'Content-Length: 2')),
    answer('ok'),
  );
  t.is(span?.startNs, at(0));
  t.is(span?.attributes['clover.time_to_first_byte'], Number(at(4) - at(0)));
  t.is(span?.endNs, at(5));
  t.like(span?.attributes, {
    'http.request.body.size': 4,
    'http.response.body.size': 2,
    'http.response.status_code': 201,
  });
});

test('a refusal instead of 100 is the answer, and the connection goes on', async (t) => {
  const spans = await read(
    ask(head('POST /up HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Transfer-Encoding: chunked')),
    answer(head('HTTP/1.1 417 Expectation Failed', 'Content-Length: 0')),
    ask('0\r\n\r\n'),
    ask(head('GET /next HTTP/1.1', 'Host: a')),
    answer(head('HTTP/1.1 200 OK', 'Content-Length: 0')),
  );
  t.deepEqual(spans.map(statusOf), ['/up 417', '/next 200']);
});

test('trailers end a message, also those that look like a head', async (t) => {
  const spans = await read(
    ask(head('GET /a HTTP/1.1', 'Host: a')),
    answer(
      `${head('HTTP/1.1 200 OK', 'Trailer: x', 'Transfer-Encoding: chunked')}1\r\na\r\n0\r\nContent-Length: 9\r\nHTTP/1.1 500: no\r\n\r\n`,
    ),
    ask(head('GET /b HTTP/1.1', 'Host: a')),
    answer(head('HTTP/1.1 204 None')),
  );
  t.deepEqual(spans.map(statusOf), ['/a 200', '/b 204']);
});

test('HTTP/1.0 keeps a connection that both ends want kept', async (t) => {
  const spans = await read(
    ask(head('GET /a HTTP/1.0', 'Connection: keep-alive')),
    answer(`${head('HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 1')}x`),
    ask(head('GET /b HTTP/1.0')),
    answer(`${head('HTTP/1.0 200 OK')}until the end`),
  );
  t.deepEqual(spans.map(statusOf), ['/a 200', '/b 200']);
  t.is(spans[1]?.attributes['http.response.body.size'], 13);
  t.is(spans[1]?.attributes['network.protocol.version'], '1.0');
});

test('the answers to HEAD, 204 and 304 have no body, whatever they say', async (t) => {
  const spans = await read(
    ask(
      head('HEAD /a HTTP/1.1', 'Host: a') +
        head('GET /b HTTP/1.1', 'Host: a') +
        head('GET /c HTTP/1.1', 'Host: a') +
        head('GET /d HTTP/1.1', 'Host: a'),
    ),
    answer(
      head('HTTP/1.1 200 OK', 'Content-Length: 999') +
        head('HTTP/1.1 204 None', 'Transfer-Encoding: chunked') +
        head('HTTP/1.1 304 Same', 'Content-Length: 7') +
        `${head('HTTP/1.1 200 OK', 'Content-Length: 1')}x`,
    ),
  );
  t.deepEqual(spans.map(statusOf), ['/a 200', '/b 204', '/c 304', '/d 200']);
});

test('codings may be in several fields; chunks are the last of them', async (t) => {
  const spans = await read(
    ask(
      `${head('POST /a HTTP/1.1', 'Host: a', 'Transfer-Encoding: gzip', 'Transfer-Encoding: , chunked')}2\r\nxx\r\n0\r\n\r\n`,
    ),
    answer(`${head('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip ,\tChunked')}1\r\nz\r\n0\r\n\r\n`),
    ask(head('GET /b HTTP/1.1', 'Host: a')),
    answer(head('HTTP/1.1 204 None')),
  );
  t.deepEqual(spans.map(statusOf), ['/a 200', '/b 204']);
  t.is(spans[0]?.attributes['http.request.body.size'], 2);
});

test('through a tunnel any protocol is read anew, and the tunnel keeps its own span', async (t) => {
  const open = [
    ask(head('CONNECT b:80 HTTP/1.1', 'Host: b:80')),
    answer(head('HTTP/1.1 200 Connection established')),
  ];
  const http = await read(
    ...open,
    ask(head('GET /inner HTTP/1.1', 'Host: b')),
    answer(head('HTTP/1.1 200 OK', 'Content-Length: 0')),
  );
  t.deepEqual(http.map(statusOf), ['undefined 200', '/inner 200']);
  t.is(http[0]?.attributes['http.request.method'], 'CONNECT');
  const [request, response] = heartbeat(3);
  const kafka = await read(
    ...open,
    { from: 'client', bytes: request },
    { from: 'server', bytes: response },
  );
  t.deepEqual(
    kafka.map(({ name }) => name),
    ['CONNECT', 'Heartbeat'],
  );
});

test('a tunnel that is refused is none', async (t) => {
  const spans = await read(
    ask(head('CONNECT b:80 HTTP/1.1', 'Host: b:80')),
    answer(`${head('HTTP/1.1 403 No', 'Content-Length: 2')}no`),
    ask(head('GET /next HTTP/1.1', 'Host: a')),
    answer(head('HTTP/1.1 204 None')),
  );
  t.deepEqual(
    spans.map(({ name }) => name),
    ['CONNECT', 'GET'],
  );
});
