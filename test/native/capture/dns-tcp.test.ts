import test from 'ava';
import fc from 'fast-check';

import { gapsOf, readPackets, type Turn } from './conversation.ts';
import {
  address,
  answerOf,
  connection,
  flags,
  framed,
  messageOf,
  nameOf,
  queryOf,
  second,
  soaOf,
  types,
  www,
} from './dns.ts';

const queries = (count: number): Turn[] =>
  Array.from({ length: count }, (_, at) => [
    { from: 'client' as const, bytes: framed(queryOf(at, nameOf(`n${at}`), types.A)) },
    {
      from: 'server' as const,
      bytes: framed(answerOf(at, nameOf(`n${at}`), types.A, [{ type: types.A, data: address }])),
    },
  ]).flat();

test('over TCP queries are told under any segmentation', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (cuts, pipelined) => {
        const turns = queries(5);
        const ordered = pipelined
          ? [
              ...turns.filter(({ from }) => from === 'client'),
              ...turns.filter(({ from }) => from === 'server').toReversed(),
            ]
          : turns;
        const { spans, ledger } = await readPackets(connection(ordered, cuts));
        t.deepEqual(
          spans.map(({ attributes }) => `${attributes['dns.question.name']}`).toSorted(),
          ['n0', 'n1', 'n2', 'n3', 'n4'],
        );
        t.true(
          spans.every(
            ({ attributes: a }) =>
              a['dns.response_code'] === 'NOERROR' && a['network.transport'] === 'tcp',
          ),
        );
        t.deepEqual(ledger.bytes.skipped, {});
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 200 },
  );
});

const axfr = (id: number, records: readonly number[][], question = true): Buffer[] =>
  records.map((serials) =>
    messageOf({
      id,
      flags: flags.response,
      questions: question ? [{ name: www, type: types.AXFR }] : [],
      answers: serials.map((serial) =>
        serial === 0
          ? { type: types.A, data: address, name: Buffer.from([0]) }
          : { type: types.SOA, data: soaOf(serial), name: Buffer.from([0]) },
      ),
    }),
  );

for (const [what, type, records, count] of [
  [
    'a zone transfer',
    types.AXFR,
    [
      [7, 0],
      [0, 0, 0],
      [0, 7],
    ],
    7,
  ],
  ['a zone transfer in one message', types.AXFR, [[7, 0, 7]], 3],
  [
    'an incremental transfer',
    types.IXFR,
    [
      [7, 5, 0],
      [6, 0, 6, 0],
      [7, 0, 7],
    ],
    10,
  ],
  ['an incremental transfer that is a full one', types.IXFR, [[7, 0, 0], [7]], 4],
  ['an incremental transfer of nothing', types.IXFR, [[7]], 1],
] as const)
  test(`${what} over TCP is one span`, async (t) => {
    const answers = axfr(
      5,
      records.map((each) => [...each]),
      false,
    );
    const next = queries(1);
    const { spans, ledger } = await readPackets(
      connection([
        { from: 'client', bytes: framed(queryOf(5, www, type)) },
        ...answers.map((bytes) => ({ from: 'server' as const, bytes: framed(bytes) })),
        ...next,
      ]),
    );
    t.is(spans.length, 2);
    t.like(spans[0]?.attributes, {
      'clover.dns.answer_count': count,
      'clover.dns.messages': records.length > 1 ? records.length : undefined,
      'dns.response_code': 'NOERROR',
    });
    t.deepEqual(gapsOf(ledger), []);
  });

test('a connection that ends fails what is open on it', async (t) => {
  const { spans } = await readPackets(connection(queries(1).slice(0, 1)));
  t.is(spans[0]?.attributes['error.type'], 'connection_closed');
});

test('what a hole took is lost by name, and the next messages are read', async (t) => {
  const segments = connection(queries(6), [1_000]);
  for (const missing of segments.filter(({ payload }) => payload.length > 0)) {
    const { spans, ledger } = await readPackets(
      segments.filter((one) => one !== missing),
      60n * second,
    );
    t.true(spans.length >= 5 - 1, 'a connection goes on behind a hole');
    t.true(spans.every(({ attributes }) => attributes['error.type'] === undefined));
    t.is(ledger.requests.seen, 6);
    t.deepEqual(gapsOf(ledger), []);
  }
});

test('a connection is joined in its middle', async (t) => {
  const segments = connection(queries(6), [1_000]).slice(5);
  const { spans, ledger } = await readPackets(segments);
  t.is(spans.length, 4);
  t.is(ledger.requests.lost['before_attach'], 1);
  t.deepEqual(gapsOf(ledger), []);
});

test('when one end turns out to speak something else, nothing of the other one is left pending', async (t) => {
  const wrong = framed(Buffer.concat([queryOf(1, www, types.A), Buffer.from([0])]));
  const { ledger } = await readPackets(
    connection([
      { from: 'server', bytes: Buffer.from([0, 40]) },
      { from: 'client', bytes: wrong.subarray(0, 20) },
      { from: 'client', bytes: wrong.subarray(20) },
    ]),
  );
  t.is(ledger.bytes.pending, 0);
  t.deepEqual(ledger.bytes.skipped, { unrecognised: 2 });
  t.deepEqual(gapsOf(ledger), []);
});
