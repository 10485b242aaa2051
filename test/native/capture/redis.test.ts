import test from 'ava';
import fc from 'fast-check';

import type { Turn } from './conversation.ts';
import { brief, client, readDatabase, server } from './db.ts';
import { command } from './redis.ts';

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

test('commands that are written by hand are told once the server answers as Redis does', async (t) => {
  for (const cuts of [[60_000], [1], [3]]) {
    const { spans, ledger } = await readDatabase(
      [
        client('PING\r\n'),
        server('+PONG\r\n'),
        client('info replication\r\nget user:1\r\n'),
        server('$4\r\nrole\r\n-WRONGTYPE no\r\n'),
        client(command('GET', 'a')),
        server('$1\r\nv\r\n'),
      ],
      cuts,
    );
    t.deepEqual(spans.map(brief), [
      '0 | PING | ok |  | PING',
      '0 | info | ok |  | info ?',
      '0 | get | WRONGTYPE |  | get ?',
      '0 | GET | ok |  | GET ?',
    ]);
    t.deepEqual(ledger.bytes.skipped, {});
  }
});

test('other protocols of lines with words that Redis has are none', async (t) => {
  for (const turns of [
    [client('get a\r\n'), server('VALUE a 0 1\r\nx\r\nEND\r\n')],
    [client('incr a 1\r\n'), server('5\r\n')],
    [client('watch jobs\r\n'), server('WATCHING 2\r\n')],
    [server('+OK POP3 server ready\r\n'), client('AUTH PLAIN\r\n'), server('+ \r\n')],
    [client('GET /a\r\n'), server('<html></html>')],
    [client('PUBLISH sip:a@b SIP/2.0\r\n'), server('+OK\r\n')],
    [client('welcome there\r\n'), server('+OK\r\n')],
  ]) {
    const { spans, ledger } = await readDatabase(turns);
    const systems = spans.map(({ attributes: a }) => a['db.system.name']);
    t.false(systems.includes('redis'), JSON.stringify(turns));
    t.is(ledger.requests.open, 0);
  }
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
