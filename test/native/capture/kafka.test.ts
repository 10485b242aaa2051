import test from 'ava';

import { client, server } from './conversation.ts';
import {
  batch,
  compact,
  fetch,
  heartbeat,
  hello,
  i16,
  i32,
  i64,
  i8,
  oneTag,
  plain,
  produce,
  request,
  response,
  tags,
} from './kafka.ts';
import { brief, inTurn, read } from './kafka-conversation.ts';

test('requests and responses by the conventions', async (t) => {
  const { spans, ledger } = await read(
    inTurn(hello(0), produce(1), fetch(2, { throttle: 7 }), heartbeat(3, 27)),
  );
  t.deepEqual(brief(spans), ['ApiVersions', 'send orders', 'poll orders', 'Heartbeat']);
  const own = {
    'messaging.system': 'kafka',
    'messaging.system.name': 'kafka',
    'messaging.client.id': 'shop-1',
    'server.address': '10.0.0.1',
    'server.port': 8080,
    'client.address': '10.0.0.2',
    'clover.hop': 'tcp.sequence',
  };
  const [, sent, polled, beat] = spans.map(({ attributes }) => attributes);
  const peer = {
    'network.peer.address': sent?.['network.peer.address'],
    'network.peer.port': 40_000,
    'server.address': sent?.['server.address'],
    'client.address': sent?.['client.address'],
  };
  t.deepEqual(sent, {
    ...own,
    ...peer,
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'orders',
    'messaging.destination.partition.id': '2',
    'messaging.batch.message_count': 3,
    'kafka.offset': 42,
    'clover.kafka.api_version': 9,
    'clover.kafka.error_code': 0,
    'clover.time_to_first_byte': 10_000,
  });
  t.like(polled, {
    'messaging.operation.name': 'poll',
    'messaging.operation.type': 'receive',
    'messaging.destination.name': 'orders',
    'messaging.destination.partition.id': '2',
    'messaging.batch.message_count': 5,
    'kafka.offset': 100,
    'clover.kafka.throttle_time_ms': 7,
  });
  t.like(beat, {
    'messaging.operation.name': 'Heartbeat',
    'messaging.operation.type': undefined,
    'messaging.consumer.group.name': 'billing',
    'clover.kafka.error_code': 27,
    'error.type': undefined,
  });
  t.deepEqual(ledger.bytes.skipped, {});
  t.is(ledger.bytes.parsed, ledger.wire.payloadBytes);
});

test('many requests are in flight; each response is told by its correlation id', async (t) => {
  const pairs = [hello(9), produce(10), fetch(11), heartbeat(12)];
  const { spans } = await read([
    client(...pairs.map(([ask]) => ask)),
    server(...pairs.map(([, answer]) => answer)),
  ]);
  t.deepEqual(brief(spans), ['ApiVersions', 'send orders', 'poll orders', 'Heartbeat']);
});

test('a Produce that asks for no acknowledgement ends with its last byte', async (t) => {
  const [quiet] = produce(1, { acks: 0 });
  const { spans, ledger } = await read(
    [...inTurn(hello(0)), client(quiet), ...inTurn(heartbeat(2))],
    { cuts: [50] },
  );
  t.deepEqual(brief(spans), ['ApiVersions', 'send orders', 'Heartbeat']);
  t.true((spans[1]?.endNs ?? 0n) > (spans[1]?.startNs ?? 0n));
  t.is(ledger.requests.open, 0);
});

test('an error of a partition is the span’s', async (t) => {
  const { spans } = await read(
    inTurn(produce(1, { code: 6 }), fetch(2, { code: 1, records: Buffer.alloc(0) })),
  );
  t.deepEqual(brief(spans), [
    'send orders NOT_LEADER_OR_FOLLOWER',
    'poll orders OFFSET_OUT_OF_RANGE',
  ]);
  t.is(spans[0]?.attributes['kafka.offset'], undefined);
  t.is(spans[1]?.attributes['messaging.batch.message_count'], 0);
});

test('of large batches only the beginning is read', async (t) => {
  const large = batch(1000, 90_000, 7);
  const { spans } = await read(
    inTurn(produce(1, { records: large }), fetch(2, { records: large })),
  );
  t.deepEqual(
    spans.map(({ attributes: a }) => [a['messaging.batch.message_count'], a['kafka.offset']]),
    [
      [1000, 42],
      [1000, 7],
    ],
  );
});

test('several batches have no count that is known', async (t) => {
  const two = Buffer.concat([batch(2), batch(2)]);
  const { spans } = await read(inTurn(fetch(2, { records: two })));
  t.is(spans[0]?.attributes['messaging.batch.message_count'], undefined);
});

test('a topic without a name is told by its id', async (t) => {
  const id = Buffer.from('0f7b0f3c2a1d4c5e8b9a6d7e5f4c3b2a', 'hex');
  const ask = request(
    0,
    13,
    1,
    [
      compact.text('tx'),
      i16(1),
      i32(1),
      compact.list(
        Buffer.concat([
          id,
          compact.list(Buffer.concat([i32(0), compact.bytes(batch(1)), tags])),
          oneTag,
        ]),
      ),
      tags,
    ],
    { flexible: true },
  );
  const { spans } = await read([
    client(ask),
    server(response(1, [compact.list(), i32(0), tags], true)),
  ]);
  t.is(
    spans[0]?.name,
    'send D3sPPCodTF6Lmm1-X0w7Kg'.replace('D3sPPCodTF6Lmm1-X0w7Kg', id.toString('base64url')),
  );
});

const described: readonly (readonly [
  what: string,
  ask: Buffer,
  answer: Buffer,
  expected: Readonly<Record<string, string | number | undefined>>,
])[] = [
  [
    'Metadata',
    request(3, 1, 4, [plain.list()]),
    response(4, [plain.list()]),
    { 'messaging.operation.name': 'Metadata' },
  ],
  [
    'JoinGroup',
    request(11, 5, 4, [plain.text('g')]),
    response(4, [i32(3), i16(79)]),
    {
      'messaging.consumer.group.name': 'g',
      'clover.kafka.error_code': 79,
      'error.type': undefined,
      'clover.kafka.throttle_time_ms': 3,
    },
  ],
  [
    'SyncGroup',
    request(14, 5, 4, [compact.text('g')], { flexible: true }),
    response(4, [i32(0), i16(0)], true),
    { 'messaging.consumer.group.name': 'g', 'clover.kafka.error_code': 0 },
  ],
  [
    'OffsetFetch',
    request(9, 8, 4, [compact.list(compact.text('g'))], { flexible: true }),
    response(4, [i32(0)], true),
    { 'messaging.consumer.group.name': 'g' },
  ],
  [
    'FindCoordinator',
    request(10, 2, 4, [plain.text('g'), i8(0)]),
    response(4, [i32(0), i16(15)]),
    { 'messaging.consumer.group.name': 'g', 'error.type': 'COORDINATOR_NOT_AVAILABLE' },
  ],
  [
    'FindCoordinator of a transaction',
    request(10, 2, 4, [plain.text('tx'), i8(1)]),
    response(4, [i32(0), i16(0)]),
    { 'messaging.consumer.group.name': undefined },
  ],
  [
    'FindCoordinator of a list',
    request(10, 4, 4, [i8(0), compact.list(compact.text('g'))], { flexible: true }),
    response(
      4,
      [
        i32(0),
        compact.list(
          Buffer.concat([compact.text('g'), i32(1), compact.text('h'), i32(2), i16(15)]),
        ),
      ],
      true,
    ),
    { 'messaging.consumer.group.name': 'g', 'error.type': 'COORDINATOR_NOT_AVAILABLE' },
  ],
  [
    'OffsetCommit',
    request(8, 2, 4, [
      plain.text('g'),
      i32(1),
      plain.text('m'),
      i64(-1),
      plain.list(
        Buffer.concat([
          plain.text('orders'),
          plain.list(Buffer.concat([i32(3), i64(77), plain.text('')])),
        ]),
      ),
    ]),
    response(4, [
      plain.list(
        Buffer.concat([plain.text('orders'), plain.list(Buffer.concat([i32(3), i16(22)]))]),
      ),
    ]),
    {
      'messaging.operation.name': 'commit',
      'messaging.operation.type': 'settle',
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': '3',
      'kafka.offset': 77,
      'error.type': 'ILLEGAL_GENERATION',
    },
  ],
  [
    'CreateTopics',
    request(19, 4, 4, [plain.list(Buffer.concat([plain.text('orders'), i32(1)]))]),
    response(4, [
      i32(0),
      plain.list(Buffer.concat([plain.text('orders'), i16(36), plain.text('exists')])),
    ]),
    { 'messaging.destination.name': 'orders', 'error.type': 'TOPIC_ALREADY_EXISTS' },
  ],
  [
    'ApiVersions that a broker does not have (KIP-511)',
    request(18, 4, 4, [compact.text('l'), compact.text('1'), tags], { flexible: true }),
    response(4, [i16(35), plain.list()]),
    { 'error.type': 'UNSUPPORTED_VERSION' },
  ],
  [
    'a version that is newer than all that is known',
    request(0, 15, 4, [Buffer.alloc(8)], { flexible: true }),
    response(4, [Buffer.alloc(9)], true),
    {
      'messaging.operation.name': 'send',
      'messaging.destination.name': undefined,
      'clover.kafka.error_code': undefined,
    },
  ],
  [
    'a client without a name',
    request(12, 3, 4, [plain.text('g')], { client: null }),
    response(4, [i32(0), i16(0)]),
    { 'messaging.client.id': undefined, 'messaging.consumer.group.name': 'g' },
  ],
];

for (const [what, ask, answer, expected] of described)
  test(`what is read of ${what}`, async (t) => {
    const { spans } = await read([client(ask), server(answer)]);
    t.is(spans.length, 1);
    for (const [key, value] of Object.entries(expected))
      t.is(spans[0]?.attributes[key], value, key);
  });
