import test from 'ava';
import fc from 'fast-check';

import { gapsOf, inAnyOrder, play, readPackets, startNs, startReplay } from './conversation.ts';
import {
  address,
  answerOf,
  changed,
  connection,
  flow,
  framed,
  messageOf,
  nameOf,
  queryOf,
  second,
  soaOf,
  types,
  www,
} from './dns.ts';

const long = Array.from({ length: 4 }, () => 'x'.repeat(62));

test('a name of 255 bytes is read, and a longer one is malformed', async (t) => {
  const { spans } = await readPackets(
    flow(['up', queryOf(1, nameOf(...long, 'y'), types.A)]),
    12n * second,
  );
  t.is(spans[0]?.attributes['dns.question.name'], [...long, 'y'].join('.'));
  const { spans: none, ledger } = await readPackets(
    flow(['up', queryOf(1, www, types.A)], ['up', queryOf(2, nameOf(...long, 'yz'), types.A)]),
    12n * second,
  );
  t.is(none.length, 1);
  t.like(ledger.requests, { seen: 2, spans: 1, lost: { malformed: 1 } });
  t.deepEqual(gapsOf(ledger), []);
});

const asking = (bytes: Buffer): Buffer =>
  Buffer.concat([
    messageOf({ id: 9 }).subarray(0, 4),
    Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]),
    bytes,
    Buffer.from([0, 1, 0, 1]),
  ]);

for (const [what, name] of [
  ['points to itself', Buffer.from([0xc0, 12])],
  ['points ahead', Buffer.from([1, 97, 0xc0, 16, 0])],
  ['points into the header', Buffer.from([0xc0, 2])],
  ['points back and forth', Buffer.from([1, 97, 0xc0, 12])],
  ['has labels of an unknown kind', Buffer.from([0x41, 97, 0])],
  ['has no end', Buffer.from([3, 97])],
] as const)
  test(`a name that ${what} is malformed: the query is counted as lost`, async (t) => {
    const { spans, ledger } = await readPackets(
      flow(['up', queryOf(1, www, types.A)], ['up', asking(name)]),
      12n * second,
    );
    t.is(spans.length, 1);
    t.like(ledger.requests, { seen: 2, lost: { malformed: 1 } });
    t.deepEqual(gapsOf(ledger), []);
    const alone = await readPackets(flow(['up', asking(name)]));
    t.deepEqual(Object.keys(alone.ledger.bytes.skipped), ['unrecognised']);
  });

test('an answer that breaks off is one all the same, and says that it is incomplete', async (t) => {
  const answer = answerOf(1, www, types.A, [
    { type: types.A, data: address },
    { type: types.A, data: address },
  ]);
  const { spans, ledger } = await readPackets(
    flow(['up', queryOf(1, www, types.A)], ['down', answer.subarray(0, -3)]),
  );
  t.like(spans[0]?.attributes, { 'dns.response_code': 'NOERROR', 'clover.incomplete': 1 });
  t.is(spans[0]?.attributes['dns.answers'], '192.0.2.7');
  t.deepEqual(Object.keys(ledger.bytes.skipped), ['malformed']);
  t.deepEqual(gapsOf(ledger), []);
});

test('datagrams in any order and number give one span a query, with its own answer or none', async (t) => {
  const packets = flow(
    ...Array.from({ length: 6 }, (_, at) => [
      ['up', queryOf(at % 3, nameOf(`n${at}`), types.A)] as const,
      [
        'down',
        answerOf(at % 3, nameOf(`n${at}`), types.A, [
          { type: types.A, data: Buffer.from([10, 0, 0, at]) },
        ]),
      ] as const,
    ]).flat(),
  );
  await fc.assert(
    fc.asyncProperty(inAnyOrder(packets), async (played) => {
      const { spans, ledger } = await readPackets(played, 20n * second);
      for (const { attributes: a } of spans) {
        const host = `${a['dns.question.name']}`.slice(1);
        if (a['error.type'] === 'timeout') t.is(a['dns.answers'], undefined);
        else t.is(a['dns.answers'], `10.0.0.${host}`);
      }
      t.is(ledger.requests.open, 0);
      t.deepEqual(gapsOf(ledger), []);
    }),
    { numRuns: 300 },
  );
});

test('random bytes are not DNS', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 5 }),
      async (payloads) => {
        const { spans, ledger } = await readPackets(
          flow(...payloads.map((one) => ['up', one] as const)),
          12n * second,
        );
        t.deepEqual(spans, []);
        t.is(ledger.requests.seen, 0);
        const streams = await readPackets(
          connection(payloads.map((bytes) => ({ from: 'client' as const, bytes }))),
        );
        t.deepEqual(streams.spans, []);
        t.deepEqual(gapsOf(streams.ledger), []);
      },
    ),
    { numRuns: 300 },
  );
});

test('any change to a message leaves the ledger closed and memory alone', async (t) => {
  const sound = [
    queryOf(1, www, types.A),
    answerOf(1, www, types.A, [
      { type: types.A, data: address },
      { type: types.SOA, data: soaOf(3) },
    ]),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: 90 }), fc.nat({ max: 255 })), {
        maxLength: 30,
      }),
      fc.boolean(),
      async (changes, stream) => {
        const bytes = sound.map((one) => Buffer.from(one));
        const mutants = changes.map(([which, at, value]) => {
          const mutant = Buffer.from(bytes[which] ?? []);
          if (at < mutant.length) mutant[at] = value;
          return which === 0 ? (['up', mutant] as const) : (['down', mutant] as const);
        });
        const all = [['up', sound[0] ?? Buffer.alloc(0)] as const, ...mutants];
        const packets = stream
          ? connection(
              all.map(([way, one]) => ({
                from: way === 'up' ? 'client' : 'server',
                bytes: framed(one),
              })),
            )
          : flow(...all);
        const { ledger } = await readPackets(packets, 20n * second);
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 500 },
  );
});

test('open queries of one flow are bounded', async (t) => {
  const many = Array.from({ length: 3_000 }, (_, at) => ['up', queryOf(at, www, types.A)] as const);
  const { replay } = startReplay();
  play(
    replay,
    flow(...many).map((one) => changed(one, { timeNs: startNs })),
  );
  t.like(replay.ledger().requests, { seen: 3_000, open: 1_024, lost: { too_many_open: 1_976 } });
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('a truncated answer says so and is not incomplete', async (t) => {
  const answer = answerOf(1, www, types.A, []);
  answer[2] = (answer[2] ?? 0) | 2;
  const { spans } = await readPackets(flow(['up', queryOf(1, www, types.A)], ['down', answer]));
  t.like(spans[0]?.attributes, { 'clover.dns.truncated': 1, 'clover.incomplete': undefined });
});
