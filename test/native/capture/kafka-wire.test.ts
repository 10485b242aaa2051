import test from 'ava';
import fc from 'fast-check';

import { client, server, gapsOf, readPackets, segmentsOfTurns, type Turn } from './conversation.ts';
import {
  batch,
  fetch,
  heartbeat,
  hello,
  i16,
  i32,
  i64,
  plain,
  produce,
  request,
  response,
} from './kafka.ts';
import { brief, inTurn, read } from './kafka-conversation.ts';
import type { DecodedSpan } from './otlp.ts';

test('names and passwords of SASL never leave the node, in frames of Kafka or without', async (t) => {
  const secret = Buffer.from('\0joe\0hunter2-hunter2');
  const framed = inTurn(
    [
      request(17, 1, 1, [plain.text('PLAIN')]),
      response(1, [i16(0), plain.list(plain.text('PLAIN'))]),
    ],
    [
      request(36, 1, 2, [plain.bytes(secret)]),
      response(2, [i16(58), plain.text('no'), plain.bytes(null), i64(0)]),
    ],
  );
  const bare = inTurn(
    [
      request(17, 0, 1, [plain.text('PLAIN')]),
      response(1, [i16(0), plain.list(plain.text('PLAIN'))]),
    ],
    [plain.bytes(secret), plain.bytes(Buffer.alloc(0))],
    heartbeat(2),
  );
  const first = await read(framed);
  t.deepEqual(brief(first.spans), ['SaslHandshake', 'SaslAuthenticate SASL_AUTHENTICATION_FAILED']);
  const second = await read(bare);
  t.deepEqual(brief(second.spans), ['SaslHandshake', 'Heartbeat']);
  for (const { spans } of [first, second])
    t.false(JSON.stringify(spans.map(({ attributes }) => attributes)).includes('hunter2'));
});

test('what waits when the broker goes has failed', async (t) => {
  const { spans } = await read([...inTurn(hello(0)), client(produce(1)[0])]);
  t.deepEqual(brief(spans), ['ApiVersions', 'send orders connection_closed']);
});

const any = fc.oneof(
  fc.nat(5).map((n) => (id: number) => ({
    pair: produce(id, { records: batch(n + 1, n * 300) }),
    answered: true,
  })),
  fc.constant((id: number) => ({ pair: produce(id, { acks: 0 }), answered: false })),
  fc.nat(4).map((n) => (id: number) => ({
    pair: fetch(id, { records: batch(n + 1, n * 500) }),
    answered: true,
  })),
  fc.constant((id: number) => ({ pair: heartbeat(id), answered: true })),
  fc.constant((id: number) => ({ pair: hello(id), answered: true })),
);

const talk = fc.record({
  groups: fc.array(fc.array(any, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
  cuts: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }),
  id: fc.nat(1000),
  isn: fc.integer({ min: 0, max: 0xffff_ffff }),
});

const turnsOf = ({
  groups,
  id,
}: {
  groups: readonly (readonly ((id: number) => {
    pair: readonly [Buffer, Buffer];
    answered: boolean;
  })[])[];
  id: number;
}): Turn[] => {
  let next = id;
  return groups.flatMap((group) => {
    const made = group.map((make) => make(next++));
    const answers = made.filter(({ answered }) => answered).map(({ pair }) => pair[1]);
    return [
      client(...made.map(({ pair }) => pair[0])),
      ...(answers.length > 0 ? [server(...answers)] : []),
    ];
  });
};

const essence = (spans: readonly DecodedSpan[]): string[] =>
  spans
    .map(({ name, attributes }) =>
      JSON.stringify([name, { ...attributes, 'clover.time_to_first_byte': 0 }]),
    )
    .toSorted();

test('any segmentation, order and duplicates give the spans of the run in order', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      talk,
      fc.array(fc.nat(3), { minLength: 1, maxLength: 50 }),
      async (one, moves) => {
        const turns = turnsOf(one);
        const expected = await read(turns);
        const segments = segmentsOfTurns(turns, {
          clientIsn: one.isn,
          serverIsn: 9,
          cuts: one.cuts,
        });
        const shuffled = segments.slice(2, -2);
        for (let at = 0; at + 1 < shuffled.length; at++) {
          const move = moves[at % moves.length];
          const [a, b] = [shuffled[at], shuffled[at + 1]];
          if (a === undefined || b === undefined) continue;
          if (move === 1) shuffled.splice(at, 2, b, a);
          else if (move === 2) shuffled.splice(at++, 0, a);
        }
        const { spans, ledger } = await readPackets([
          ...segments.slice(0, 2),
          ...shuffled,
          ...segments.slice(-2),
        ]);
        t.deepEqual(essence(spans), essence(expected.spans));
        t.deepEqual(gapsOf(ledger), []);
        t.deepEqual(ledger.requests.lost, {});
      },
    ),
    { numRuns: 300 },
  );
});

const isWhole = ({ attributes: a }: DecodedSpan): boolean => a['clover.incomplete'] === undefined;

test('holes and late joins give no span that the whole run has not', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      talk,
      fc.nat(40),
      fc.array(fc.nat(40), { maxLength: 3 }),
      async (one, from, lost) => {
        const turns = turnsOf(one);
        const all = (await read(turns)).spans;
        const [whole, names] = [new Set(essence(all)), new Set(all.map(({ name }) => name))];
        const { spans } = await read(
          turns,
          { cuts: one.cuts },
          (at) => at >= from && !lost.includes(at),
        );
        const ended = spans.filter(({ attributes: a }) => a['error.type'] === undefined);
        for (const line of essence(ended.filter(isWhole))) t.true(whole.has(line), line);
        for (const { name } of ended) t.true(names.has(name), name);
      },
    ),
    { numRuns: 400 },
  );
});

test('a response is taken for no request, whatever its number is', async (t) => {
  const entry = [i32(1), i16(3), i64(-1)];
  const told = plain.list(Buffer.concat([plain.text('orders'), plain.list(Buffer.concat(entry))]));
  // Numbers of correlation are where a request says its kind and version: Produce 0 to 13, and Fetch from 65,536 on.
  for (const correlation of [0, 1, 2, 3, 8, 9, 12, 13, 16, 65_536, 65_540, 65_548, 65_556])
    for (const body of [[told], [i32(0), told], [told, i32(0)], [Buffer.alloc(40)]]) {
      const turns = [server(response(correlation, body)), client(heartbeat(correlation + 1)[0])];
      const { spans } = await read(turns, {}, (at) => at >= 2);
      t.false(
        brief(spans).some((line) => /^(send|poll)/.test(line)),
        `${correlation}`,
      );
    }
});

test('a connection that was joined late is read from the next request on', async (t) => {
  const turns = inTurn(hello(0), produce(1), fetch(2), heartbeat(3), produce(4));
  const { spans, ledger } = await read(turns, {}, (at) => at >= 5);
  t.deepEqual(brief(spans), ['poll orders', 'Heartbeat', 'send orders']);
  t.deepEqual(ledger.requests.lost, {});
});

test('a hole within records does no harm, one between frames names what it took', async (t) => {
  const large = produce(1, { records: batch(9, 9000) });
  const inside = await read(
    inTurn(hello(0), large, heartbeat(2)),
    { cuts: [1400] },
    (at) => at !== 6,
  );
  t.deepEqual(brief(inside.spans), ['ApiVersions', 'send orders', 'Heartbeat']);
  const between = await read(
    inTurn(hello(0), heartbeat(1), produce(2), heartbeat(3)),
    {},
    (at) => at !== 5,
  );
  t.deepEqual(brief(between.spans), ['ApiVersions', 'Heartbeat', 'send orders', 'Heartbeat']);
  t.deepEqual(
    between.spans.map(({ attributes: a }) => a['clover.incomplete']),
    [undefined, 1, undefined, undefined],
  );
  t.deepEqual(between.ledger.requests.lost, {});
  const asked = await read(
    inTurn(hello(0), heartbeat(1), produce(2), heartbeat(3)),
    {},
    (at) => at !== 4,
  );
  t.deepEqual(brief(asked.spans), ['ApiVersions', 'send orders', 'Heartbeat']);
  t.deepEqual(asked.ledger.requests.lost, { hole: 1 });
});

const others: Readonly<Record<string, Buffer>> = {
  ZooKeeper: Buffer.concat([
    i32(44),
    i32(0),
    i64(0),
    i32(30_000),
    i64(0),
    i32(16),
    Buffer.alloc(16),
  ]),
  'a start-up message of PostgreSQL': plain
    .bytes(Buffer.concat([Buffer.alloc(0), i32(-1)]))
    .fill(0),
  'an unknown kind': request(300, 0, 1, []),
  'an unknown version': request(3, 60, 1, [plain.list()]),
  'a negative correlation id': request(3, 1, -1, [plain.list()]),
  'a name of control characters': request(3, 1, 1, [plain.list()], { client: 'a\u0000b' }),
  'a name that is longer than its frame': Buffer.concat([i32(10), i16(3), i16(1), i32(1), i16(99)]),
  'a length of 2^31': Buffer.concat([
    Buffer.from('80000000', 'hex'),
    i16(3),
    i16(1),
    i32(1),
    i16(-1),
  ]),
  'random bytes of TLS': Buffer.from('1703030120a1b2c3d4e5f60718293a4b5c6d7e8f', 'hex'),
};

for (const [what, bytes] of Object.entries(others))
  test(`${what} is not taken for Kafka`, async (t) => {
    const { spans, ledger } = await read([client(bytes), server(bytes)]);
    t.deepEqual(spans, []);
    t.is(ledger.requests.seen, 0);
  });

test('of requests that nobody answers a thousand are followed, and the others counted', async (t) => {
  const asks = Array.from({ length: 1500 }, (_, id) => heartbeat(id));
  const { spans, ledger } = await read([
    client(...asks.map(([ask]) => ask)),
    server(...asks.map(([, answer]) => answer)),
    ...inTurn(heartbeat(1500)),
  ]);
  t.is(spans.length, 1001);
  t.deepEqual(ledger.requests.lost, { too_many_requests: 500 });
});

test('hostile frames end the reading and leave nothing pending', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      talk,
      fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      async (one, changes) => {
        const turns = turnsOf(one).map(({ from, bytes }) => ({ from, bytes: Buffer.from(bytes) }));
        for (const [at, value] of changes) {
          const { bytes } = turns[at % turns.length] ?? { bytes: Buffer.alloc(0) };
          if (bytes.length > 0) bytes[at % bytes.length] = value;
        }
        const { ledger } = await read(turns, { cuts: one.cuts });
        t.is(ledger.bytes.pending, 0);
        t.is(ledger.requests.open, 0);
      },
    ),
    { numRuns: 500 },
  );
});
