import test from 'ava';

import { client, server } from './conversation.ts';
import { batch, compact, i16, i32, i8, request, response, tags } from './kafka.ts';
import { brief, read } from './kafka-conversation.ts';

const none = Buffer.from([1]);
const ids = ['orders', 'bills'].map((name) => ({ name, id: Buffer.alloc(16, name) }));

const partition = (index: number): Buffer =>
  Buffer.concat([
    i16(0),
    i32(index),
    i32(1),
    i32(0),
    compact.list(i32(1), i32(2), i32(3)),
    compact.list(i32(1)),
    none,
    tags,
  ]);

const topic = ({ name, id }: (typeof ids)[number], code = 0): Buffer =>
  Buffer.concat([
    i16(code),
    compact.text(name),
    id,
    i8(0),
    compact.list(...Array.from({ length: 30 }, (_, index) => partition(index))),
    i32(0),
    tags,
  ]);

const broker = (id: number): Buffer =>
  Buffer.concat([
    i32(id),
    compact.text(`broker-${id}.kafka.shop.svc`),
    i32(9092),
    compact.text(null),
    tags,
  ]);

/** What a Metadata 12 tells. */
const metadata = (correlation: number, ...topics: readonly Buffer[]) => [
  client(request(3, 12, correlation, [compact.list(), i8(1), i8(0), tags], { flexible: true })),
  server(
    response(
      correlation,
      [
        i32(0),
        compact.list(...Array.from({ length: 5 }, (_, id) => broker(id))),
        compact.text('cluster'),
        i32(1),
        compact.list(...topics),
        tags,
      ],
      true,
    ),
  ),
];

/** Produce 13 of one batch. */
const produce = (correlation: number, id: Buffer) => [
  client(
    request(
      0,
      13,
      correlation,
      [
        compact.text(null),
        i16(1),
        i32(1),
        compact.list(
          Buffer.concat([
            id,
            compact.list(Buffer.concat([i32(0), compact.bytes(batch(1)), tags])),
            tags,
          ]),
        ),
        tags,
      ],
      { flexible: true },
    ),
  ),
  server(response(correlation, [compact.list(), i32(0), tags], true)),
];

test('a topic that is asked for by its id has the name that an answer to Metadata has told', async (t) => {
  const [orders, bills] = ids;
  if (orders === undefined || bills === undefined) throw new Error('two topics');
  const { spans } = await read([
    ...produce(1, bills.id),
    ...metadata(2, topic(orders), topic(bills)),
    ...produce(3, orders.id),
    ...produce(4, bills.id),
    ...produce(5, Buffer.alloc(16, 'other')),
  ]);
  t.deepEqual(brief(spans), [
    `send ${bills.id.toString('base64url')}`,
    'Metadata',
    'send orders',
    'send bills',
    `send ${Buffer.alloc(16, 'other').toString('base64url')}`,
  ]);
});

test('of a topic that the answer has an error for no name is learnt', async (t) => {
  const [orders] = ids;
  if (orders === undefined) throw new Error('a topic');
  const { spans } = await read([...metadata(1, topic(orders, 3)), ...produce(2, orders.id)]);
  t.deepEqual(brief(spans), ['Metadata', `send ${orders.id.toString('base64url')}`]);
});

test('a name that is longer than Kafka allows is not learnt', async (t) => {
  for (const [length, learnt] of [
    [249, true],
    [250, false],
  ] as const) {
    const one = { name: 'x'.repeat(length), id: Buffer.alloc(16, 'long') };
    const { spans } = await read([...metadata(1, topic(one)), ...produce(2, one.id)]);
    t.is(
      spans[1]?.attributes['messaging.destination.name'] !== one.id.toString('base64url'),
      learnt,
    );
  }
});
