import test from 'ava';

import { client, server } from './conversation.ts';
import { data, frame, goAway, headers, reset } from './http2.ts';
import { exchangesOf, get, ok, opening, readTurns } from './http2-conversation.ts';

for (const [what, turn, error] of [
  ['the server resets', server(reset(1, 2)), 'INTERNAL_ERROR'],
  ['the server refuses', server(reset(1, 7)), 'REFUSED_STREAM'],
  ['the client cancels', client(reset(1, 8)), 'CANCEL'],
  ['is reset with a code that nobody knows', server(reset(1, 0x4321)), '_OTHER'],
  ['is above the last of a GOAWAY', server(goAway(0)), 'GOAWAY'],
] as const)
  test(`a stream that ${what} has failed`, async (t) => {
    const { spans } = await readTurns([...opening, client(headers(1, get, true)), turn]);
    t.deepEqual(
      spans.map(({ attributes: a, status }) => [
        a['error.type'],
        status,
        a['http.response.status_code'],
      ]),
      [[error, 2, undefined]],
    );
  });

test('after a GOAWAY streams up to the last one go on, later ones have failed', async (t) => {
  const { spans } = await readTurns([
    ...opening,
    client(headers(1, get, true), headers(3, get, true)),
    server(goAway(0x7fffffff), goAway(1)),
    client(headers(5, get, true)),
    server(headers(1, ok, true)),
  ]);
  t.deepEqual(
    spans.map(({ attributes: a }) => a['error.type'] ?? a['http.response.status_code']),
    ['GOAWAY', 'GOAWAY', 200],
  );
});

test('the end of the connection fails what is open', async (t) => {
  const { spans, ledger } = await readTurns([
    ...opening,
    client(headers(1, get, true), headers(3, get, true)),
    server(headers(3, ok), data(3, 'half', false)),
  ]);
  t.deepEqual(
    spans.map(({ attributes: a }) => [
      a['error.type'],
      a['http.response.status_code'],
      a['http.response.body.size'],
    ]),
    [
      ['connection_closed', undefined, undefined],
      ['connection_closed', 200, 4],
    ],
  );
  t.is(ledger.requests.open, 0);
});

const wrong: readonly (readonly [what: string, bytes: Uint8Array, reason: string])[] = [
  [
    'a frame that is longer than was allowed',
    frame(0, 0, 1, Buffer.alloc(16_385)),
    'frame_too_large',
  ],
  ['DATA without a stream', frame(0, 0, 0, Buffer.alloc(1)), 'malformed'],
  ['SETTINGS of half a pair', frame(4, 0, 0, Buffer.alloc(5)), 'malformed'],
  ['an acknowledgement with a payload', frame(4, 1, 0, Buffer.alloc(6)), 'malformed'],
  ['a PING of nine bytes', frame(6, 0, 0, Buffer.alloc(9)), 'malformed'],
  ['a stream that the server alone may begin', headers(2, get, true), 'malformed'],
  ['a CONTINUATION of nothing', frame(9, 4, 1, get), 'malformed'],
  [
    'a frame within a block',
    Buffer.concat([frame(1, 0, 1, get), frame(6, 0, 0, Buffer.alloc(8))]),
    'malformed',
  ],
  [
    'a CONTINUATION of another stream',
    Buffer.concat([frame(1, 0, 1, get), frame(9, 4, 3, get)]),
    'malformed',
  ],
  ['more padding than payload', frame(1, 0xc, 1, Buffer.from([9, 0x82])), 'malformed'],
  ['DATA of padding alone and more', frame(0, 8, 1, Buffer.from([1])), 'malformed'],
  ['a promise of the client', frame(5, 4, 1, Buffer.alloc(8)), 'malformed'],
];

for (const [what, bytes, reason] of wrong)
  test(`${what} stops the reading by name`, async (t) => {
    const { spans, ledger } = await readTurns([
      ...opening,
      ...exchangesOf([get]),
      client(headers(3, get, true)),
      client(bytes),
      ...exchangesOf([get, get, get]),
    ]);
    t.is(spans.length, 1);
    t.is(ledger.requests.lost[reason], 1);
    t.true((ledger.bytes.skipped[reason] ?? 0) > 0);
    t.is(ledger.bytes.pending, 0);
  });
