import test from 'ava';
import fc from 'fast-check';

import { client, readDatabase, server } from './db.ts';
import { complete, message, query, ready, start } from './postgresql.ts';

const read = async (text: string): Promise<readonly [string, string]> => {
  const { spans } = await readDatabase([
    ...start,
    client(query(text)),
    server(complete('OK'), ready),
  ]);
  const a = spans[0]?.attributes ?? {};
  return [String(a['db.query.summary'] ?? ''), String(a['db.query.text'] ?? '')];
};

for (const [text, summary, said] of [
  // The examples of the semantic conventions.
  [
    "SELECT *\nFROM   wuser_table\nWHERE  username = 'x'",
    'SELECT wuser_table',
    'SELECT * FROM wuser_table WHERE username = ?',
  ],
  [
    'INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = 5',
    'INSERT shipping_details SELECT orders',
    'INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = ?',
  ],
  [
    'SELECT * FROM songs, artists WHERE songs.artist_id = artists.id',
    'SELECT songs artists',
    undefined,
  ],
  [
    'SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)',
    'SELECT SELECT orders customers',
    undefined,
  ],
  ['SELECT * FROM "song list"', 'SELECT "song list"', undefined],
  [
    'call some_stored_procedure(1, 2)',
    'call some_stored_procedure',
    'call some_stored_procedure(?)',
  ],
  // What looks like an operation or a target and is none.
  ['SELECT a FROM t FOR UPDATE', 'SELECT t', undefined],
  ['INSERT INTO t VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 1', 'INSERT t', undefined],
  ['SELECT EXTRACT(YEAR FROM d), a IS DISTINCT FROM b FROM t', 'SELECT t', undefined],
  ['SELECT * FROM generate_series(1, 2)', 'SELECT', 'SELECT * FROM generate_series(?)'],
  ['WITH x AS (SELECT 1 FROM a) UPDATE shop.b SET c = 2', 'SELECT a UPDATE shop.b', undefined],
  ['EXPLAIN DELETE FROM t', 'EXPLAIN DELETE t', undefined],
  ['CREATE UNIQUE INDEX i ON t (a)', 'CREATE INDEX i', undefined],
  ['DROP TABLE IF EXISTS a', 'DROP TABLE a', undefined],
  ["CREATE USER ann PASSWORD 'hidden'", 'CREATE USER', 'CREATE USER ann PASSWORD ?'],
  // Values in every form, comments and lists.
  [
    "SELECT E'a\\'b', U&'c', b'01', X'1f', N'n', $$d'e$$, $q$ $$ f $q$, 'it''s'",
    'SELECT',
    `SELECT ${'?, '.repeat(8).slice(0, -2)}`,
  ],
  [
    'SELECT 1, -2, 3.5, .5, 1e-5, 0x1F, 12_000, TRUE, NULL',
    'SELECT',
    'SELECT ?, -?, ?, ?, ?, ?, ?, ?, NULL',
  ],
  [
    'SELECT a /* b /* nested */ secret */ FROM t -- secret\nWHERE c',
    'SELECT t',
    'SELECT a FROM t WHERE c',
  ],
  [
    'SELECT * FROM t WHERE a IN (1,2,\n3) AND b IN ($1, $2)',
    'SELECT t',
    'SELECT * FROM t WHERE a IN (?) AND b IN ($1, $2)',
  ],
  [
    "INSERT INTO t VALUES (1, 'a'), (2, 'b') , (-3, 'c') RETURNING a",
    'INSERT t',
    'INSERT INTO t VALUES (?) RETURNING a',
  ],
  ["SELECT 'not ended", 'SELECT', 'SELECT ?'],
  ['SELECT "not ended', 'SELECT', 'SELECT ?'],
] as const)
  test(`SQL: ${text}`, async (t) => {
    const [told, kept] = await read(text);
    t.is(told, summary);
    if (said !== undefined) t.is(kept, said);
  });

test('where a literal can be read in two ways, nothing is told behind it', async (t) => {
  const { spans } = await readDatabase([
    ...start.slice(0, 1),
    server(message('R', '\0\0\0\0'), ready),
    client(query("SELECT 'a\\', 'secret' FROM t")),
    server(complete('OK'), ready),
  ]);
  t.is(spans[0]?.attributes['db.query.text'], 'SELECT ?');
});

test('no value of a text is ever told, and what is told is bounded', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(
      'SELECT',
      'FROM',
      'IN',
      '(',
      ')',
      ',',
      ';',
      '--x\n',
      '/*',
      '*/',
      '"',
      '$',
      "E'",
      "'",
      '\\',
      '$$',
    ),
    fc.string({ maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 30 }),
      fc.string({ maxLength: 20 }),
      async (parts, value) => {
        const text = parts.join(' ').replaceAll('\0', '');
        const literal = `'zq${value.replaceAll("'", "''").replaceAll('\0', '').replaceAll('\\', '')}zq'`;
        const [summary, said] = await read(`SELECT ${literal}, 1 FROM t WHERE ${text}`);
        t.true(summary.length <= 255 && said.length <= 2048);
        t.false(said.includes('zq') && !text.includes('zq'));
      },
    ),
    { numRuns: 200 },
  );
  const [summary, said] = await read(`SELECT * FROM ${'abcdefgh, '.repeat(3000)}x`);
  t.is(summary.length, 'SELECT'.length + 9 * 27);
  t.true(said.length <= 2048);
});
