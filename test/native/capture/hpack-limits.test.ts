import test from 'ava';

import type { Turn } from './conversation.ts';
import { type HeaderField, headers, HpackEncoder } from './http2.ts';
import { exchangesOf, hex, ok, opening, readTurns } from './http2-conversation.ts';

for (const [what, block] of [
  ['an index of zero', '80'],
  ['an index that was never inserted', 'be'],
  ['a name that was never inserted', '7e 01 61'],
  ['an integer without end', 'ff ff ff ff ff ff ff ff'],
  ['an integer of 2^32', 'ff 81 ff ff ff 0f'],
  ['a string that is longer than its block', '00 01 61 7f 61'],
  ['a length of 2^31', '00 01 61 7f 81 ff ff ff 07'],
  ['a Huffman code that ends within a symbol', '00 01 61 81 00'],
  ['a Huffman code with the end symbol', '00 01 61 84 ff ff ff ff'],
  ['padding of eight bits', '00 01 61 82 1f ff'],
] as const)
  test(`a block with ${what} stops the reading, and is counted`, async (t) => {
    const { spans, ledger } = await readTurns([
      ...opening,
      ...exchangesOf([hex('8286 84'), hex(`8286 84 ${block}`), hex('8286 84')], [ok, ok, ok]),
    ]);
    t.is(spans.length, 1);
    t.true((ledger.bytes.skipped['malformed'] ?? 0) > 0);
    t.is(ledger.bytes.pending, 0);
  });

test('a block that refers to a large entry again and again costs neither memory nor time', async (t) => {
  const encoder = new HpackEncoder();
  const first = encoder.encode([
    [':method', 'GET'],
    [':path', `/${'x'.repeat(3900)}`],
    [':scheme', 'http'],
  ]);
  const bomb = Buffer.concat([hex('82 86 84'), Buffer.alloc(60_000, 0xbe)]);
  const start = performance.now();
  const { spans } = await readTurns([
    ...opening,
    ...exchangesOf(
      Array.from({ length: 40 }, (_, i) => (i === 0 ? first : bomb)),
      [],
    ),
  ]);
  t.is(spans.length, 40);
  // 9 GB of header list, were it copied.
  t.true(performance.now() - start < 5000);
});

test('of a block beyond 64 KiB the beginning is read, and what it inserted is known no more', async (t) => {
  const encoder = new HpackEncoder();
  const turns: Turn[] = [];
  const send = (stream: number, fields: readonly HeaderField[], form?: 'plain'): void => {
    turns.push({ from: 'client', bytes: headers(stream, encoder.encode(fields, form), true) });
    turns.push({ from: 'server', bytes: headers(stream, ok, true) });
  };
  const base: readonly HeaderField[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/x'],
    [':authority', 'a.example'],
  ];
  send(1, base);
  const long: HeaderField[] = Array.from({ length: 70 }, () => ['x-long', 'y'.repeat(1000)]);
  send(3, [...base, ...long], 'plain');
  send(5, [...base, ['x', 'y']]);
  send(7, [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/new'],
    ['x', 'y'],
  ]);
  const { spans, ledger } = await readTurns([...opening, ...turns]);
  t.deepEqual(
    spans.map(({ attributes: a }) => [a['url.path'], a['server.address'], a['clover.incomplete']]),
    [
      ['/x', 'a.example', undefined],
      ['/x', 'a.example', 1],
      [undefined, undefined, 1],
      ['/new', '198.18.0.2', undefined],
    ],
  );
  t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
});

test('a size update is not a field, and an entry that is too large empties the table', async (t) => {
  const encoder = new HpackEncoder();
  const turns = exchangesOf(
    [
      Buffer.concat([
        encoder.resize(0),
        encoder.resize(100),
        encoder.encode([
          [':method', 'PUT'],
          [':path', '/a'],
        ]),
      ]),
      encoder.encode([
        [':method', 'PUT'],
        [':path', `/${'b'.repeat(200)}`],
      ]),
      encoder.encode([
        [':method', 'PUT'],
        [':path', '/c'],
      ]),
      encoder.encode([
        [':method', 'PUT'],
        [':path', '/c'],
      ]),
    ],
    [ok, ok, ok, ok],
  );
  const { spans } = await readTurns([...opening, ...turns]);
  t.deepEqual(
    spans.map(({ attributes: a }) => [a['http.request.method'], String(a['url.path']).slice(0, 2)]),
    [
      ['PUT', '/a'],
      ['PUT', '/b'],
      ['PUT', '/c'],
      ['PUT', '/c'],
    ],
  );
});
