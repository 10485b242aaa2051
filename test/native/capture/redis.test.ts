import test from 'ava';
import fc from 'fast-check';

import { gapsOf, readPackets, segmentsOfTurns, type Turn } from './conversation.ts';
import { brief, client, readDatabase, server } from './db.ts';
import { recordedTurns } from './recorded-turns.ts';

const command = (...parts: string[]): string =>
  `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;

const told = async (...turns: Turn[]): Promise<string[]> =>
  (await readDatabase(turns)).spans.map(brief);

test('a command is a span by the semantic conventions, without keys and values', async (t) => {
  const { spans } = await readDatabase([
    client(command('SET', 'cart:1', 'socks')),
    server('+OK\r\n'),
  ]);
  const [span] = spans;
  t.is(span?.name, 'SET');
  t.is(span?.kind, 2);
  t.is(span?.status, 0);
  t.like(span?.attributes, {
    'db.system.name': 'redis',
    'db.operation.name': 'SET',
    'db.query.text': 'SET ? ?',
    'db.namespace': '0',
    'server.address': '198.18.0.2',
    'server.port': 8080,
    'client.address': '198.18.0.1',
  });
  t.false(JSON.stringify(spans.map(({ attributes }) => attributes)).includes('socks'));
});

test('replies of every type answer one command each', async (t) => {
  const replies = [
    '+OK\r\n',
    ':-42\r\n',
    '$-1\r\n',
    '$0\r\n\r\n',
    '*-1\r\n',
    '*0\r\n',
    '*2\r\n*1\r\n$2\r\n\r\n\r\n*2\r\n:1\r\n-ERR inner\r\n',
    '_\r\n',
    ',1.5\r\n',
    '#t\r\n',
    '(12345678901234567890\r\n',
    '=7\r\ntxt:abc\r\n',
    '%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n',
    '~2\r\n:1\r\n:2\r\n',
    '|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n',
    '*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n:9\r\n:2\r\n',
    '$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n',
    '*?\r\n:1\r\n*?\r\n.\r\n.\r\n',
  ];
  const { spans, ledger } = await readDatabase([
    client(...replies.map((_, index) => command(`GET${index}`, 'k'))),
    server(...replies),
  ]);
  t.deepEqual(
    spans.map(brief),
    replies.map((_, index) => `0 | GET${index} | ok |  | GET${index} ?`),
  );
  t.deepEqual(ledger.bytes.skipped, {});
});

test('the prefix of an error is the status code', async (t) => {
  const errors = [
    '-WRONGTYPE no\r\n',
    '-MOVED 3999 127.0.0.1:6381\r\n',
    '!9\r\nNOAUTH no\r\n',
    '-\r\n',
  ];
  t.deepEqual(
    await told(client(...errors.map(() => command('GET', 'k'))), server(...errors)),
    ['WRONGTYPE', 'MOVED', 'NOAUTH', 'ERR'].map((code) => `0 | GET | ${code} |  | GET ?`),
  );
});

test('messages that are pushed answer nothing', async (t) => {
  t.deepEqual(
    await told(
      client(command('SUBSCRIBE', 'a', 'b')),
      server('*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n'),
      server('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n'),
      server('*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n'),
      client(command('PING'), command('UNSUBSCRIBE')),
      server('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n'),
      server(
        '*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n',
      ),
      client(command('GET', 'k')),
      server('>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n$1\r\nv\r\n'),
      client(command('MONITOR')),
      server('+OK\r\n+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"\r\n'),
      client(command('QUIT')),
      server('+1339518087.107412 [0 127.0.0.1:60866] "get"\r\n+OK\r\n'),
    ),
    [
      'SUBSCRIBE | ok |  | SUBSCRIBE ? ?',
      'PING | ok |  | PING',
      'UNSUBSCRIBE | ok |  | UNSUBSCRIBE',
      'GET | ok |  | GET ?',
      'MONITOR | ok |  | MONITOR',
      'QUIT | ok |  | QUIT',
    ].map((line) => `0 | ${line}`),
  );
});

test('a transaction is a span for each command, and EXEC says how many there were', async (t) => {
  t.deepEqual(
    await told(
      client(command('MULTI'), command('GET', 'a'), command('SELECT', '3'), command('EXEC')),
      server('+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-WRONGTYPE no\r\n+OK\r\n'),
      client(command('GET', 'a')),
      server('$-1\r\n'),
      client(command('SELECT', '4'), command('GET', 'a')),
      server('+OK\r\n$-1\r\n'),
    ),
    [
      '0 | MULTI | ok |  | MULTI',
      '0 | GET | ok |  | GET ?',
      '0 | SELECT | ok |  | SELECT ?',
      '0 | EXEC | WRONGTYPE | 2 | EXEC',
      '- | GET | ok |  | GET ?',
      '- | SELECT | ok |  | SELECT ?',
      '4 | GET | ok |  | GET ?',
    ],
  );
});

test('commands without a reply are told when they were sent', async (t) => {
  t.deepEqual(
    await told(
      client(command('CLIENT', 'REPLY', 'SKIP'), command('SET', 'a', 'b'), command('GET', 'a')),
      server('$1\r\nb\r\n'),
      client(
        command('CLIENT', 'REPLY', 'OFF'),
        command('SET', 'a', 'b'),
        command('CLIENT', 'REPLY', 'ON'),
      ),
      server('+OK\r\n'),
    ),
    ['CLIENT REPLY', 'SET', 'GET', 'CLIENT REPLY', 'SET', 'CLIENT REPLY'].map(
      (name) => `0 | ${name} | ok |  | ${name}${' ?'.repeat(name === 'SET' ? 2 : 1)}`,
    ),
  );
});

test('a large string is stepped over, whatever is in it', async (t) => {
  const large = '\r\n+OK\r\n'.repeat(100_000);
  const { spans, ledger } = await readDatabase([
    client(command('SET', 'a', large), command('GET', 'a')),
    server(`+OK\r\n$${large.length}\r\n${large}\r\n`),
  ]);
  t.deepEqual(
    spans.map(({ name }) => name),
    ['SET', 'GET'],
  );
  t.deepEqual(ledger.bytes.skipped, {});
});

test('what is no RESP ends the reading, and what is open is lost by name', async (t) => {
  for (const [bytes, reason] of [
    ['hello\r\n', 'malformed'],
    ['$5\r\nhelloXX', 'malformed'],
    ['$-2\r\n', 'malformed'],
    ['$99999999999999999999\r\n', 'malformed'],
    [`:${'1'.repeat(70_000)}`, 'malformed'],
    ['*1\r\n'.repeat(1000), 'nested_too_deep'],
  ] as const) {
    const { spans, ledger } = await readDatabase([client(command('GET', 'a')), server(bytes)]);
    t.deepEqual(spans, []);
    t.deepEqual(ledger.requests.lost, { [reason]: 1 });
  }
});

test('a server that goes without an answer fails the command', async (t) => {
  t.deepEqual(await told(client(command('GET', 'a'))), ['0 | GET | connection_closed |  | GET ?']);
});

const replyOf = (index: number): string =>
  [`+v${index}\r\n`, `$3\r\nabc\r\n`, `*2\r\n:${index}\r\n$1\r\nx\r\n`, '-ERR no\r\n'][index % 4] ??
  '';
const codeOf = (index: number): string => (index % 4 === 3 ? 'ERR' : 'ok');
const exchanges = (count: number): Turn[] =>
  Array.from({ length: count }, (_, at) => [
    client(command(`C${at}`, 'key')),
    server(replyOf(at)),
  ]).flat();

test('any split, order and duplication of segments gives the same spans', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 8 }),
      async (cuts, pipelined, moves) => {
        const turns = exchanges(8);
        const ordered = pipelined
          ? [
              ...turns.filter(({ from }) => from === 'client'),
              ...turns.filter(({ from }) => from === 'server'),
            ]
          : turns;
        const segments = segmentsOfTurns(ordered, { clientIsn: 0xffff_fff0, serverIsn: 9, cuts });
        for (const move of moves) {
          const at = 2 + (move % (segments.length - 4));
          const [one] = segments.slice(at, at + 1);
          if (one !== undefined) segments.splice(2 + ((move * 7) % (segments.length - 4)), 0, one);
        }
        const { spans, ledger } = await readPackets(segments);
        t.deepEqual(
          spans.map(brief),
          Array.from({ length: 8 }, (_, at) => `0 | C${at} | ${codeOf(at)} |  | C${at} ?`),
        );
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 300 },
  );
});

test('behind a hole and from the middle each span is right, or its loss has a name', async (t) => {
  const expected = new Set(
    Array.from({ length: 12 }, (_, at) => `| C${at} | ${codeOf(at)} |  | C${at} ?`),
  );
  const count = segmentsOfTurns(exchanges(12), { clientIsn: 5, serverIsn: 9, cuts: [1000] }).length;
  for (let at = 2; at < count - 2; at++)
    for (const keep of [(index: number) => index !== at, (index: number) => index >= at]) {
      const { spans, ledger } = await readDatabase(exchanges(12), [1000], keep);
      for (const span of spans) t.true(expected.has(brief(span).slice(2)), brief(span));
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

test('nothing else is taken for Redis', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      const { spans } = await readDatabase([
        { from: 'client', bytes: Buffer.concat([Buffer.from('*1\r\n$'), bytes]) },
        { from: 'server', bytes },
      ]);
      t.true(spans.every(({ attributes }) => attributes['db.operation.name'] !== ''));
    }),
    { numRuns: 200 },
  );
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
