import test from 'ava';
import fc from 'fast-check';

import { exchange, type Exchange, gapsOf, play, segmentsOf, startReplay } from './conversation.ts';
import type { TcpSegment } from './frames.ts';
import type { DecodedSpan } from './otlp.ts';

const runs = 100_000;
/** Connections of one replay, each from a port of its own. */
const perReplay = 500;
const firstPort = 1_024;

const conversations = fc.sample(
  fc.array(fc.array(exchange, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 }),
  { numRuns: 400, seed: 6 },
);

/** Whole numbers below a limit, always the same for one seed (xorshift32). */
function numbersOf(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e_37_79_b9) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Any part of what an end sent, sent again: it may begin and end in the midst of segments. */
function retransmission(all: readonly TcpSegment[], number: (below: number) => number): TcpSegment {
  const last = all[number(all.length)];
  if (last === undefined) throw new Error('no segment');
  const sent = all.filter(({ toPod }) => toPod === last.toPod);
  const until = sent.indexOf(last);
  const from = sent.slice(0, until + 1).slice(-1 - number(3));
  const bytes = Buffer.concat(from.map(({ payload }) => payload));
  const begin = number(bytes.length);
  const end = bytes.length - number(last.payload.length);
  return {
    ...last,
    seq: ((from[0]?.seq ?? 0) + begin) >>> 0,
    payload: bytes.subarray(begin, Math.max(begin + 1, end)),
  };
}

/** A connection as a bad network has it: cut anywhere, in any order, some of it twice or more. */
function disturbed(conversation: readonly (readonly Exchange[])[], peerPort: number, seed: number) {
  const number = numbersOf(seed);
  const isn = (): number => (number(2) === 0 ? number(2 ** 32) : 2 ** 32 - 1 - number(600));
  const [syn, answer, ...rest] = segmentsOf(conversation, {
    clientIsn: isn(),
    serverIsn: isn(),
    cuts: Array.from({ length: 1 + number(8) }, () => 1 + number(number(8) === 0 ? 20 : 300)),
    peerPort,
  });
  if (syn === undefined || answer === undefined) throw new Error('no handshake');
  const data = rest.filter(({ payload }) => payload.length > 0);
  const again = Array.from({ length: number(6) }, () => retransmission(data, number));
  const all = [...rest, ...again].map((segment) => ({ segment, key: number(2 ** 32) }));
  return [syn, answer, ...all.sort((a, b) => a.key - b.key).map(({ segment }) => segment)];
}

const portOf = ({ attributes }: DecodedSpan): number => Number(attributes['network.peer.port']);

const told = ({ attributes }: DecodedSpan): string =>
  [
    attributes['http.request.method'],
    attributes['url.path'],
    attributes['http.response.status_code'],
    attributes['http.request.body.size'] ?? 0,
    attributes['http.response.body.size'] ?? 0,
  ].join(' ');

const expected = ({ method, path, status, requestBytes, responseBytes }: Exchange): string =>
  [method, path, status, requestBytes, responseBytes].join(' ');

test(`${runs} conversations, cut anywhere, in any order and repeated in part, give the spans of the plain ones`, async (t) => {
  t.timeout(300_000);
  let failed = 0;
  for (let first = 0; first < runs && failed === 0; first += perReplay) {
    const { replay, spans } = startReplay();
    for (let at = 0; at < perReplay; at += 1) {
      const conversation = conversations[(first + at) % conversations.length] ?? [];
      play(replay, disturbed(conversation, firstPort + at, first + at));
    }
    await replay.flush();
    const ledger = replay.ledger();
    await replay.close();
    const byPort = Map.groupBy(spans, portOf);
    for (let at = 0; at < perReplay; at += 1) {
      const conversation = conversations[(first + at) % conversations.length] ?? [];
      const found = (byPort.get(firstPort + at) ?? []).map(told).join('\n');
      if (found === conversation.flat().map(expected).join('\n')) continue;
      failed += 1;
      t.log(`seed ${first + at}: ${found}`);
    }
    if (gapsOf(ledger).length > 0 || ledger.connections.open > 0 || ledger.bytes.pending > 0)
      failed += 1;
    if (Object.keys(ledger.bytes.lost).length > 0 || Object.keys(ledger.requests.lost).length > 0)
      failed += 1;
  }
  t.is(failed, 0);
});
