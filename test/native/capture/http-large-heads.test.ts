import test from 'ava';
import fc from 'fast-check';

import {
  client,
  gapsOf,
  headOf,
  play,
  readPackets,
  segmentsOfTurns,
  server,
  startReplay,
  wire,
  type Turn,
} from './conversation.ts';
import { readHandedOver } from './handing-over.ts';
import type { DecodedSpan } from './otlp.ts';

const limit = 65_536;

/** A head of exactly `size` bytes, with further lines at its end. */
function headOfSize(size: number, first: string, ...last: readonly string[]): Buffer {
  const filled = (filling: readonly string[]): Buffer => headOf(first, ...filling, ...last);
  const filling = Array.from({ length: 60 }, (_, at) => `X-${at}: ${'v'.repeat(1_000)}`);
  const left = size - filled([...filling, 'Y: ']).length;
  return filled([...filling, `Y: ${'y'.repeat(left)}`]);
}

const told = ({ attributes: a }: DecodedSpan): unknown[] => [
  a['url.path'],
  a['http.response.status_code'],
  a['http.request.body.size'],
  a['http.response.body.size'],
  Boolean(a['clover.incomplete']),
];

/** Both heads are too long, and say at their ends how long the bodies are. */
const upload: readonly Turn[] = [
  client(
    headOfSize(limit + 9_000, 'POST /up HTTP/1.1', 'Host: a', 'Content-Length: 4', 'Z: 1'),
    Buffer.from('body'),
    headOf('GET /next HTTP/1.1', 'Host: a'),
  ),
  server(
    headOfSize(limit + 5_000, 'HTTP/1.1 201 Created', 'transfer-encoding: chunked'),
    Buffer.from('3\r\nyes\r\n0\r\n\r\n'),
    headOf('HTTP/1.1 200 OK', 'Content-Length: 0'),
  ),
];

const uploaded = [
  ['/up', 201, 4, 3, true],
  ['/next', 200, undefined, 0, false],
];

test('of a head above 64 KiB the beginning is read, and how long its body is; the rest is skipped by name', async (t) => {
  const cuts = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(cuts, async (sizes) => {
      const segments = segmentsOfTurns(upload, { ...wire, cuts: [...sizes, 20_000] });
      const { spans, ledger } = await readPackets(segments);
      t.deepEqual(spans.map(told), uploaded);
      t.deepEqual(ledger.bytes.skipped, { head_too_large: 14_000 });
      t.like(ledger.requests, { seen: 2, spans: 2, lost: {} });
      t.deepEqual(gapsOf(ledger), []);
    }),
    { numRuns: 40 },
  );
});

test('wherever the limit falls in the end of a head, the end is found', async (t) => {
  const byBytes = [60_000, 5_500, ...Array.from({ length: 100 }, () => 1)];
  for (const cuts of [byBytes, [65_000]])
    for (let over = -3; over <= 6; over += 1) {
      const head = headOfSize(limit + over, 'GET /a HTTP/1.1', 'Host: a', 'Z: 1');
      const turns = [
        client(head, headOf('GET /next HTTP/1.1', 'Host: a')),
        server(...['1', '2'].map(() => headOf('HTTP/1.1 204 None'))),
      ];
      const { spans, ledger } = await readPackets(segmentsOfTurns(turns, { ...wire, cuts }));
      t.deepEqual(
        spans.map((span) => told(span).at(0)),
        ['/a', '/next'],
      );
      t.is(ledger.bytes.skipped['head_too_large'] ?? 0, Math.max(0, over));
      t.deepEqual(gapsOf(ledger), []);
    }
});

test('of a head that never ends 64 KiB are kept, and it is no request', async (t) => {
  const { replay } = startReplay();
  const line = Buffer.from(`X: ${'v'.repeat(995)}\r\n`);
  const endless = Buffer.concat([
    Buffer.from('GET /a HTTP/1.1\r\n'),
    ...Array.from({ length: 300 }, () => line),
  ]);
  const segments = segmentsOfTurns([client(endless)], wire);
  play(replay, segments.slice(0, -2));
  t.is(replay.ledger().bytes.pending, limit);
  play(replay, segments.slice(-2));
  const { bytes, requests } = replay.ledger();
  t.deepEqual(bytes.skipped, { head_too_large: endless.length - limit, incomplete: limit });
  t.is(requests.seen, 0);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('a head that is refused before its end is a request', async (t) => {
  const turns = [
    client(headOfSize(limit + 5_000, 'GET /a HTTP/1.1', 'Host: a').subarray(0, -9)),
    server(headOf('HTTP/1.1 431 Too Large', 'Content-Length: 0', 'Connection: close')),
  ];
  const { spans, ledger } = await readPackets(segmentsOfTurns(turns, wire));
  t.deepEqual(spans.map(told), [['/a', 431, undefined, 0, false]]);
  t.deepEqual(gapsOf(ledger), []);
});

test('a successor goes on anywhere in such a head', async (t) => {
  const segments = segmentsOfTurns(upload, { ...wire, cuts: [7_000] });
  for (let cut = 3; cut < segments.length - 1; cut += 1) {
    const { spans, ledgers } = await readHandedOver(segments, {
      joined: cut - 2,
      held: cut - 1,
      cut,
      from: cut,
      given: cut + 1,
    });
    const each = spans.map((span) => JSON.stringify(told(span))).toSorted();
    t.deepEqual(each, uploaded.map((one) => JSON.stringify(one)).toSorted(), `${cut}`);
    for (const ledger of ledgers) {
      t.deepEqual(ledger.takenOver.refused, {});
      t.deepEqual(gapsOf(ledger), []);
    }
  }
});
