import test from 'ava';
import fc from 'fast-check';

import type { Turn } from './conversation.ts';
import { assertAnyOrder, assertNamedLosses, brief, client, readDatabase, server } from './db.ts';
import {
  column,
  end,
  eof,
  error,
  execute,
  flag,
  login,
  ok,
  packet,
  packets,
  prepare,
  prepared,
  query,
} from './mysql.ts';
import { recordedLines, recordedTurns } from './recorded-turns.ts';

const told = async (turns: readonly Turn[], flags?: number): Promise<string[]> =>
  (await readDatabase([...login(flags), ...turns])).spans.map(brief);

test('a query is a span by the semantic conventions, without its values', async (t) => {
  const { spans } = await readDatabase([
    ...login(),
    client(query("SELECT * FROM carts WHERE owner = \"ann\" AND name = 'it\\'s'")),
    server(packets(1, '\x01', column, eof(), '\x03ann', eof())),
  ]);
  t.is(spans.length, 1);
  t.is(spans[0]?.name, 'SELECT carts');
  t.like(spans[0]?.attributes, {
    'db.system.name': 'mysql',
    'db.namespace': 'shop',
    'db.query.summary': 'SELECT carts',
    'db.query.text': 'SELECT * FROM carts WHERE owner = ? AND name = ?',
    'server.address': '198.18.0.2',
  });
});

for (const [what, flags] of [
  ['with marks behind columns', 0],
  ['without marks behind columns', flag.noEof],
] as const)
  test(`results ${what} end where they end`, async (t) => {
    const mark = flags === 0 ? [eof()] : [];
    const last = flags === 0 ? eof : end;
    const result = (status?: number): string[] => [
      '\x02',
      column,
      column,
      ...mark,
      '\x011\x012',
      last(status),
    ];
    t.deepEqual(
      await told(
        [
          client(query('SELECT a FROM t')),
          server(packets(1, ...result())),
          client(query('SELECT a FROM t; DELETE FROM u; SELECT b FROM v')),
          server(packets(1, ...result(0x0a), ok(0x0a), ...result())),
          client(query('SELECT a FROM t; SELECT a FROM u')),
          server(packets(1, ...result(0x0a), error(1146))),
          client(query('SELECT a FROM t')),
          server(packets(1, '\x01', column, ...mark, '\x011', error(1317))),
          client(prepare('SELECT a FROM t WHERE b = ? AND c = ?')),
          server(packets(1, prepared(7, 1, 2), column, column, ...mark, column, ...mark)),
          client(execute(7)),
          server(packets(1, ...result())),
          client(prepare('DELETE FROM t')),
          server(packets(1, prepared(8, 0, 0))),
          client(packet(0, '\x19\x07\0\0\0') + packet(0, '\x18\x08\0\0\0\0\0hidden') + execute(8)),
          server(packet(1, ok())),
          client(execute(7)),
          server(packet(1, error(1243))),
        ],
        flags,
      ),
      [
        'SELECT t | ok |  | SELECT a FROM t',
        'BATCH | ok | 3 | SELECT a FROM t; DELETE FROM u; SELECT b FROM v',
        'BATCH | 1146 | 2 | SELECT a FROM t; SELECT a FROM u',
        'SELECT t | 1317 |  | SELECT a FROM t',
        'PREPARE | ok |  | SELECT a FROM t WHERE b = ? AND c = ?',
        'SELECT t | ok |  | SELECT a FROM t WHERE b = ? AND c = ?',
        'PREPARE | ok |  | DELETE FROM t',
        'DELETE t | ok |  | DELETE FROM t',
        'EXECUTE | 1243 |  | ',
      ].map((line) => `shop | ${line}`),
    );
  });

test('rows behind a cursor are fetched', async (t) => {
  t.deepEqual(
    await told([
      client(prepare('SELECT a FROM t')),
      server(packets(1, prepared(1, 1, 0), column, eof())),
      client(execute(1)),
      server(packets(1, '\x01', column, eof(0x42))),
      client(packet(0, '\x1c\x01\0\0\0\x02\0\0\0')),
      server(packets(1, '\0\0\x01', eof(0x82))),
    ]),
    ['PREPARE', 'SELECT t', 'FETCH'].map((name) => `shop | ${name} | ok |  | SELECT a FROM t`),
  );
});

test('a file that is loaded is stepped over', async (t) => {
  t.deepEqual(
    await told([
      client(query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t")),
      server(packet(1, '\xfbx')),
      client(packets(2, 'hidden,1\n', 'hidden,2\n', '')),
      server(packet(5, ok())),
      client(packet(0, '\x0e')),
      server(packet(1, ok())),
    ]),
    ['shop | LOAD t | ok |  | LOAD DATA LOCAL INFILE ? INTO TABLE t', 'shop | PING | ok |  | '],
  );
});

test('the database is followed', async (t) => {
  const changed = ok(0x4002, '\0\x08\x01\x06\x05other');
  t.deepEqual(
    await told(
      [
        client(packet(0, '\x02next')),
        server(packet(1, ok())),
        client(query('USE `third`')),
        server(packet(1, ok())),
        client(query('USE missing')),
        server(packet(1, error(1049))),
        client(query('CALL p()')),
        server(packet(1, changed)),
        client(packet(0, '\x11ann\0\x06hiddenlast\0')),
        server(packet(1, '\xfeplugin\0hidden')),
        client(packet(2, 'hidden')),
        server(packet(3, ok())),
        client(packet(0, '\x0e')),
        server(packet(1, ok())),
      ],
      flag.track,
    ),
    [
      'shop | INIT DB | ok |  | ',
      'next | USE | ok |  | USE `third`',
      'third | USE | 1049 |  | USE missing',
      'third | CALL p | ok |  | CALL p()',
      'other | CHANGE USER | ok |  | ',
      'last | PING | ok |  | ',
    ],
  );
});

test('attributes of a query are no part of its text', async (t) => {
  t.deepEqual(
    await told(
      [
        client(query('\0\x01SELECT 1')),
        server(packet(1, ok())),
        client(query('\x02\x01\0\x01\xfe\0\x01a\x08\0\x01b\x06hidden12345678SELECT 2 FROM t')),
        server(packet(1, ok())),
      ],
      flag.attributes,
    ),
    ['shop | SELECT | ok |  | SELECT ?', 'shop | SELECT t | ok |  | SELECT ? FROM t'],
  );
});

test('commands of several packets, and rows of several', async (t) => {
  const long = `\x03SELECT '${'h'.repeat(2 ** 24 - 10)}`;
  const most = long.slice(0, 2 ** 24 - 1);
  const { spans, ledger } = await readDatabase([
    ...login(),
    client(packet(0, most) + packet(1, `${long.slice(2 ** 24 - 1)}h'`)),
    server(
      packets(2, '\x01', column, eof(), `\xfe${'x'.repeat(2 ** 24 - 2)}`, '\xfe\0\0\0\0', eof()),
    ),
    client(packet(0, '\x0e')),
    server(packet(1, ok())),
  ]);
  t.deepEqual(spans.map(brief), ['shop | SELECT | ok |  | SELECT ?', 'shop | PING | ok |  | ']);
  t.deepEqual(ledger.bytes.skipped, {});
});

test('what follows compression, encryption or replication is skipped by name', async (t) => {
  const cases = [
    [login(flag.compress), 'compressed'],
    [
      [...login().slice(0, 1), client(packet(1, '\0\x0a\0\0\0\0\0\x01\xff'.padEnd(32, '\0')))],
      'tls',
    ],
    [[...login(), client(packet(0, '\x12\0\0\0\0'))], 'replication'],
  ] as const;
  for (const [turns, reason] of cases) {
    const { spans, ledger } = await readDatabase([...turns, client('12345')]);
    t.deepEqual(spans, []);
    t.deepEqual(ledger.bytes.skipped, { [reason]: 5 });
  }
});

test('a sequence number that is not due ends the reading', async (t) => {
  const { spans, ledger } = await readDatabase([
    ...login(),
    client(query('SELECT 1')),
    server(packet(2, ok())),
  ]);
  t.deepEqual(spans, []);
  t.deepEqual(ledger.requests.lost, { malformed: 1 });
});

test('a server that goes without an answer fails the command', async (t) => {
  t.deepEqual(await told([client(query('SELECT 1'))]), [
    'shop | SELECT | connection_closed |  | SELECT ?',
  ]);
});

const exchanges: readonly Turn[] = [
  ...login(),
  ...Array.from({ length: 8 }, (_, at): Turn[] => [
    client(query(`SELECT a FROM t${at}`)),
    server(
      at % 2 === 0 ? packets(1, '\x01', column, eof(), '\x03ann', eof()) : packet(1, error(1146)),
    ),
  ]).flat(),
];
const expected = Array.from(
  { length: 8 },
  (_, at) => `SELECT t${at} | ${at % 2 === 0 ? 'ok' : '1146'} |  | SELECT a FROM t${at}`,
);

test('any split, order and duplication of segments gives the same spans', async (t) => {
  await assertAnyOrder(
    t,
    fc.constant(exchanges),
    expected.map((line) => `shop | ${line}`),
  );
});

test('behind a hole and from the middle each span is right, or its loss has a name', async (t) => {
  await assertNamedLosses(t, exchanges, expected, { from: 7, untold: 0 });
});

/*
 * MariaDB 10.11 with mysql2 3, mariadb 3 (pipelined) and its own client: types of statements, results and errors, prepared
 * statements, a file, procedures, another user, a wrong password, compression.
 */
const recordings = recordedTurns('mysql');

for (const cuts of [[60_000], [1448], [1], [7, 100, 3]])
  test(`a recording of a real server and drivers is told in segments of ${cuts.join(', ')}`, async (t) => {
    const lines: string[] = [];
    for (const turns of recordings) {
      const { spans, ledger } = await readDatabase(turns, cuts);
      lines.push(...spans.map(brief));
      t.deepEqual(ledger.requests.lost, {});
      t.true(spans.every(({ attributes: a }) => a['db.system.name'] === 'mariadb'));
      t.deepEqual(
        Object.keys(ledger.bytes.skipped),
        turns === recordings.at(-1) ? ['compressed'] : [],
      );
    }
    t.deepEqual(lines, recordedLines('mysql'));
  });
