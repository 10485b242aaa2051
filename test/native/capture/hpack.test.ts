import test from 'ava';
import fc from 'fast-check';

import { type Form, type HeaderField, HpackEncoder } from './http2.ts';
import { exchangesOf, hex, ok, opening, readTurns } from './http2-conversation.ts';

for (const [what, blocks] of [
  [
    'C.3, requests without Huffman coding',
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
  ],
  [
    'C.4, requests with Huffman coding',
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  ],
] as const)
  test(`the examples of RFC 7541: ${what}`, async (t) => {
    const requests = blocks.map(hex);
    const { spans, ledger } = await readTurns([...opening, ...exchangesOf(requests, [ok, ok, ok])]);
    t.deepEqual(
      spans.map(({ attributes: a }) => [a['url.scheme'], a['server.address'], a['url.path']]),
      [
        ['http', 'www.example.com', '/'],
        ['http', 'www.example.com', '/'],
        ['https', 'www.example.com', '/index.html'],
      ],
    );
    t.deepEqual(ledger.headerFields, { read: 4 + 5 + 5 + 3, unknown: 0 });
  });

for (const [what, blocks] of [
  [
    'C.5, responses without Huffman coding, in a table of 256 bytes',
    [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133
       3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a
       6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d
       6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
    ],
  ],
  [
    'C.6, responses with Huffman coding, in a table of 256 bytes',
    [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d
       29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d
       d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106
       3d50 07`,
    ],
  ],
] as const)
  test(`the examples of RFC 7541: ${what}`, async (t) => {
    const request = hex('8286 84');
    const sized = [Buffer.concat([hex('3fe101'), hex(blocks[0])]), hex(blocks[1]), hex(blocks[2])];
    const { spans, ledger } = await readTurns([
      ...opening,
      ...exchangesOf([request, request, request], sized),
    ]);
    t.deepEqual(
      spans.map(({ attributes }) => attributes['http.response.status_code']),
      [302, 307, 200],
    );
    t.deepEqual(ledger.headerFields, { read: 3 * 3 + 4 + 4 + 6, unknown: 0 });
  });

const word = fc.stringMatching(/^[a-z0-9]{1,20}$/);
const path = word.map((text) => `/${text}`);
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: fc.oneof(fc.constantFrom('/', '/a', '/b', '/c'), path),
  authority: fc.constantFrom('a.example', 'b.example', 'c.example'),
  agent: fc.constantFrom('agent/1', 'agent/2'),
  status: fc.constantFrom('200', '201', '302', '404', '503'),
  extra: fc.array(fc.tuple(fc.constantFrom('x-a', 'x-b', 'x-c', 'accept'), word), { maxLength: 4 }),
});
const forms = fc.array(
  fc.constantFrom<Form[]>('indexed', 'indexed', 'incremental', 'plain', 'never'),
  {
    minLength: 3,
    maxLength: 11,
  },
);

const fieldsOf = (one: {
  method: string;
  path: string;
  authority: string;
  agent: string;
  extra: (readonly [string, string])[];
}): HeaderField[] => [
  [':method', one.method],
  [':scheme', 'http'],
  [':path', one.path],
  [':authority', one.authority],
  ['user-agent', one.agent],
  ...one.extra,
];

test('a reader that comes late, to any table of any size, says what is so or nothing', async (t) => {
  let exact = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 2, maxLength: 12 }),
      forms,
      fc.constantFrom(0, 40, 64, 100, 200, 4096),
      fc.nat(11),
      fc.option(fc.record({ at: fc.nat(11), size: fc.constantFrom(0, 50, 120, 4096) })),
      async (list, ways, size, late, change) => {
        const [asking, answering] = [new HpackEncoder(), new HpackEncoder()];
        let way = 0;
        const form = (): Form => ways[way++ % ways.length] ?? 'plain';
        const turns = exchangesOf(
          list.map((one, index) =>
            Buffer.concat([
              ...(index === 0 ? [asking.resize(size)] : []),
              ...(index === change?.at ? [asking.resize(change.size)] : []),
              asking.encode(fieldsOf(one), form),
            ]),
          ),
          list.map((one, index) =>
            Buffer.concat([
              ...(index === 0 ? [answering.resize(size)] : []),
              answering.encode([[':status', one.status], ...one.extra], form),
            ]),
          ),
        );
        const missed = Math.min(late, list.length - 1);
        const { spans } = await readTurns([...opening, ...turns], 2 + 2 + 2 * missed);
        // Where the method itself is not known nobody can tell a request: it is found by one that shows it.
        const from = list.length - spans.length;
        t.true(from >= missed);
        for (const [index, { attributes: a }] of spans.entries()) {
          const truth = list[from + index];
          if (truth === undefined) throw new Error('no such request');
          for (const [key, value] of [
            ['http.request.method', truth.method],
            ['url.path', truth.path],
            ['server.address', truth.authority],
            ['user_agent.original', truth.agent],
            ['http.response.status_code', Number(truth.status)],
          ] as const) {
            if (a[key] === undefined) t.is(a['clover.incomplete'], 1);
            else t.is(a[key], value);
          }
          exact += a['clover.incomplete'] === undefined ? 1 : 0;
        }
      },
    ),
    { numRuns: 1500 },
  );
  t.true(exact > 1000);
});

test('what a late reader does not know it counts', async (t) => {
  const encoder = new HpackEncoder();
  const fields: readonly HeaderField[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/x'],
    [':authority', 'shop.example'],
  ];
  const first = encoder.encode(fields);
  const turns = exchangesOf([first, encoder.encode(fields)], [ok, ok]);
  const { spans, ledger } = await readTurns([...opening, ...turns], 6);
  t.deepEqual(ledger.headerFields, { read: 5, unknown: 2 });
  t.is(spans.length, 1);
  t.like(spans[0], { name: 'GET' });
  t.deepEqual(
    [spans[0]?.attributes['url.path'], spans[0]?.attributes['server.address']],
    [undefined, undefined],
  );
  t.is(spans[0]?.attributes['clover.incomplete'], 1);
  t.is(spans[0]?.attributes['http.response.status_code'], 200);
});
