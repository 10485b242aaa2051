import test from 'ava';

import { compact, heartbeat, hello, i16, i32, plain, request, response, tags } from './kafka.ts';
import { brief, inTurn, read } from './kafka-conversation.ts';

test('a kind of request that nobody knows is told by its number, and the connection is read on', async (t) => {
  const pairs: readonly (readonly [Buffer, Buffer])[] = [
    hello(0),
    [
      request(88, 0, 1, [compact.text('app'), tags], { flexible: true }),
      response(1, [i32(0), i16(130)], true),
    ],
    [request(94, 0, 2, [i32(7)]), response(2, [i32(0)])],
    [request(1_001, 2, 3, [i32(7)], { client: null }), response(3, [i32(0)])],
    [request(3, 60, 4, [i32(7)], { flexible: true }), response(4, [i32(0)])],
    [
      request(12, 3, -2_147_483_648, [plain.text('billing')]),
      response(-2_147_483_648, [i32(0), i16(0)]),
    ],
    heartbeat(5),
  ];
  const { spans, ledger } = await read(inTurn(...pairs));
  t.deepEqual(brief(spans), [
    'ApiVersions',
    'StreamsGroupHeartbeat STREAMS_INVALID_TOPOLOGY',
    'API key 94',
    'API key 1001',
    'Metadata',
    'Heartbeat',
    'Heartbeat',
  ]);
  t.is(spans[1]?.attributes['messaging.consumer.group.name'], 'app');
  t.is(spans[2]?.attributes['messaging.operation.name'], 'API key 94');
  t.deepEqual(ledger.requests.lost, {});
});

test('a token of SASL is taken for no request of a kind that may come', async (t) => {
  // Kind 117, version 8, a number and no name.
  const token = Buffer.from('0075000800000001ffff', 'hex');
  const { spans } = await read(
    inTurn(
      [
        request(17, 0, 1, [plain.text('OTHER')]),
        response(1, [i16(0), plain.list(plain.text('OTHER'))]),
      ],
      [plain.bytes(token), plain.bytes(Buffer.alloc(0))],
      heartbeat(2),
    ),
  );
  t.deepEqual(brief(spans), ['SaslHandshake', 'Heartbeat']);
});
