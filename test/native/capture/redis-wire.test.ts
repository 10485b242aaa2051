import test from 'ava';
import fc from 'fast-check';

import { segmentsOfTurns, type Turn } from './conversation.ts';
import { assertAnyOrder, assertRightOrCut, brief, client, readDatabase, server } from './db.ts';
import { recordedTurns } from './recorded-turns.ts';
import { command } from './redis.ts';

const replyOf = (index: number): string =>
  [`+v${index}\r\n`, `$3\r\nabc\r\n`, `*2\r\n:${index}\r\n$1\r\nx\r\n`, '-ERR no\r\n'][index % 4] ??
  '';
const codeOf = (index: number): string => (index % 4 === 3 ? 'ERR' : 'ok');
// From the middle only commands that are known tell Redis.
const names = 'GET TTL TYPE LLEN HLEN SCARD ZCARD INCR DECR DUMP STRLEN HVALS'.split(' ');
const exchanges = (count: number): Turn[] =>
  Array.from({ length: count }, (_, at) => [
    client(command(names[at] ?? 'KEYS', 'key')),
    server(replyOf(at)),
  ]).flat();

test('any split, order and duplication of segments gives the same spans', async (t) => {
  const turns = exchanges(8);
  const pipelined = [
    ...turns.filter(({ from }) => from === 'client'),
    ...turns.filter(({ from }) => from === 'server'),
  ];
  await assertAnyOrder(
    t,
    fc.constantFrom(turns, pipelined),
    Array.from({ length: 8 }, (_, at) => `0 | ${names[at]} | ${codeOf(at)} |  | ${names[at]} ?`),
  );
});

test('behind a hole and from the middle each span is right, or its loss has a name', async (t) => {
  const expected = Array.from(
    { length: 12 },
    (_, at) => `${names[at]} | ${codeOf(at)} |  | ${names[at]} ?`,
  );
  const count = segmentsOfTurns(exchanges(12), { clientIsn: 5, serverIsn: 9, cuts: [1000] }).length;
  for (let at = 2; at < count - 2; at++)
    for (const keep of [(index: number) => index !== at, (index: number) => index >= at]) {
      const { spans, ledger } = await readDatabase(exchanges(12), [1000], keep);
      assertRightOrCut(t, spans, expected);
      const joined = keep(at);
      // Without its first command nothing tells Redis before the second one comes.
      if (!joined) t.is(ledger.requests.seen, at === 2 ? 11 : 12);
      t.true(spans.length >= (joined ? Math.floor((count - 2 - at) / 2) : 11 - 1));
    }
});

test('a reply that looks like a command is none, whoever joins there', async (t) => {
  const list = '*3\r\n$1\r\nz\r\n$1\r\ny\r\n$1\r\nx\r\n';
  const turns = Array.from({ length: 4 }, () => [
    client(command('LRANGE', 'l', '0', '-1')),
    server(list),
  ]).flat();
  const { spans } = await readDatabase(turns, [1000], (index) => index >= 3);
  t.deepEqual(
    spans.map(brief),
    Array.from({ length: 3 }, () => '- | LRANGE | ok |  | LRANGE ? ? ?'),
  );
});

test('of a name that a hole took a part of nothing is told', async (t) => {
  const value = command('GETRANGE', 'k', '0', '1');
  const { spans } = await readDatabase(
    [client(value), server('+OK\r\n'), client(command('GET', 'a')), server('+OK\r\n')],
    [9, 3, 60],
    (index) => index !== 3,
  );
  t.is(spans[0]?.name, 'redis');
  t.is(spans[0]?.attributes['clover.incomplete'], 1);
  t.is(spans[1]?.name, 'GET');
});

/*
 * Redis 7.0 with ioredis 5, node-redis 5 (RESP3) and plain sockets: a password, types of replies, pipelines, a transaction, a
 * script, Pub/Sub, tracking, inline commands, attributes, pushes and MONITOR.
 */
const recordings = recordedTurns('redis');
const lines = [
  'hello|client setname|client SETINFO ERR|client SETINFO ERR|set|get|get|hset|hgetall|lpush|lrange|get WRONGTYPE|NOSUCH ERR|set|incr|get|mget|multi|set|incr|exec|set|get|eval|select|del|quit',
  'hello|client SETINFO ERR|client SETINFO ERR|subscribe|unsubscribe|ping|quit',
  'hello|client SETINFO ERR|client SETINFO ERR|publish|publish|quit',
  'HELLO|CLIENT SETINFO ERR|CLIENT SETINFO ERR|CLIENT MAINT_NOTIFICATIONS ERR|HGETALL|SADD|SMEMBERS|ZADD|ZSCORE|GET|CLIENT TRACKING|GET|SET|MULTI|GET|HGETALL|EXEC|DEBUG PROTOCOL|DEBUG PROTOCOL|QUIT',
  'AUTH|PING|set|GET|HELLO ERR|DEBUG PROTOCOL|DEBUG PROTOCOL ERR|MONITOR',
  'AUTH|PING',
];

for (const cuts of [[60_000], [1448], [1], [7, 100, 3]])
  test(`a recording of real servers and drivers is told in segments of ${cuts.join(', ')}`, async (t) => {
    for (const [index, turns] of recordings.entries()) {
      const { spans, ledger } = await readDatabase(turns, cuts);
      t.deepEqual(
        spans.map(({ name, attributes: a }) =>
          [name, a['db.response.status_code']].filter((part) => part !== undefined).join(' '),
        ),
        lines[index]?.split('|'),
      );
      t.deepEqual(ledger.bytes.skipped, {});
      for (const secret of ['not-a-secret', 'socks', 'cart:1'])
        t.false(JSON.stringify(spans.map(({ attributes }) => attributes)).includes(secret));
    }
  });
