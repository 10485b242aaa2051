import test from 'ava';

import type { CaptureLedger } from '../../../native/capture/types.ts';
import {
  client,
  gapsOf,
  headOf,
  play,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
  type Turn,
} from './conversation.ts';
import { decodeSpans, type DecodedSpan } from './otlp.ts';

const get = (path: string): Turn => client(headOf(`GET ${path} HTTP/1.1`, 'Host: a'));
const empty = server(headOf('HTTP/1.1 200 OK', 'Content-Length: 0'));
const size = 100;

/** What a conversation gives of which one segment never came up. */
async function without(
  missing: number,
  turns: readonly Turn[],
): Promise<{ told: unknown[]; spans: DecodedSpan[]; ledger: CaptureLedger }> {
  const spans: DecodedSpan[] = [];
  const { replay } = startReplay({ onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)) });
  const segments = segmentsOfTurns(turns, { clientIsn: 3, serverIsn: 4, cuts: [size] });
  play(replay, segments.toSpliced(missing, 1));
  replay.advance(startNs + 3_000_000_000n);
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  const told = spans.map(({ attributes: a }) => [
    a['url.path'],
    a['http.response.status_code'],
    a['http.response.body.size'],
    a['clover.incomplete'],
    a['error.type'],
  ]);
  return { told, spans, ledger };
}

const chunks = Buffer.from(`50\r\n${'x'.repeat(0x50)}\r\n`.repeat(8));
const chunked = (status: string): Turn =>
  server(
    headOf(`HTTP/1.1 ${status}`, 'Transfer-Encoding: chunked'),
    chunks,
    Buffer.from('0\r\n\r\n'),
  );

test('a hole over the framing of an answer leaves its span incomplete, with its status', async (t) => {
  for (const [status, error] of [
    [200, undefined],
    [503, '503'],
  ] as const) {
    const turns = [get('/one'), chunked(`${status} Fine`), get('/two'), empty];
    const { told, ledger } = await without(5, turns);
    t.deepEqual(told, [
      ['/one', status, undefined, 1, error],
      ['/two', 200, 0, undefined, undefined],
    ]);
    t.deepEqual(ledger.requests.lost, {});
    t.deepEqual(gapsOf(ledger), []);
  }
});

test('a hole over the head of an answer leaves its span incomplete, and nothing made up', async (t) => {
  const long = server(headOf('HTTP/1.1 500 No', `X-Long: ${'x'.repeat(250)}`, 'Content-Length: 0'));
  const { told, ledger } = await without(3, [get('/one'), long, get('/two'), empty]);
  t.deepEqual(told, [
    ['/one', undefined, undefined, 1, undefined],
    ['/two', 200, 0, undefined, undefined],
  ]);
  t.deepEqual(ledger.requests.lost, {});
  t.deepEqual(gapsOf(ledger), []);
});

test('a hole among answers to requests at once leaves all of them incomplete', async (t) => {
  const asked = client(...['/a', '/b', '/c'].map((path) => get(path).bytes));
  const answers = server(...Array.from({ length: 3 }, () => chunked('200 OK').bytes));
  const { told, ledger } = await without(7, [asked, answers, get('/two'), empty]);
  t.deepEqual(told, [
    ['/a', 200, undefined, 1, undefined],
    ['/b', undefined, undefined, 1, undefined],
    ['/c', undefined, undefined, 1, undefined],
    ['/two', 200, 0, undefined, undefined],
  ]);
  t.deepEqual(gapsOf(ledger), []);
});

test('a hole over the framing of a request leaves its size unknown', async (t) => {
  const asked = client(headOf('POST /up HTTP/1.1', 'Transfer-Encoding: chunked'), chunks);
  const rest = client(Buffer.from('0\r\n\r\n'));
  const { told, spans, ledger } = await without(4, [asked, rest, empty]);
  t.deepEqual(told, [['/up', 200, 0, 1, undefined]]);
  t.is(spans[0]?.attributes['http.request.body.size'], undefined);
  t.deepEqual(gapsOf(ledger), []);
});
