import test from 'ava';

import type { Turn } from './conversation.ts';
import { brief, client, readDatabase, server } from './db.ts';
import {
  bind,
  codes,
  columns,
  complete,
  describe,
  error,
  execute,
  message,
  opening,
  parse,
  query,
  ready,
  row,
  start,
  sync,
} from './postgresql.ts';

const told = async (...turns: Turn[]): Promise<string[]> =>
  (await readDatabase([...start, ...turns])).spans.map(brief);

test('a query is a span by the semantic conventions, without its values', async (t) => {
  const { spans } = await readDatabase([
    ...start,
    client(query("SELECT * FROM carts WHERE owner = 'ann' AND id IN (1, 2)")),
    server(columns, row('ann'), complete('SELECT 1'), ready),
  ]);
  const [span] = spans;
  t.is(spans.length, 1);
  t.is(span?.name, 'SELECT carts');
  t.is(span?.status, 0);
  t.like(span?.attributes, {
    'db.system.name': 'postgresql',
    'db.namespace': 'shop',
    'db.query.summary': 'SELECT carts',
    'db.query.text': 'SELECT * FROM carts WHERE owner = ? AND id IN (?)',
    'server.address': '198.18.0.2',
    'server.port': 8080,
  });
});

test('several statements of one Query are a batch', async (t) => {
  t.deepEqual(
    await told(
      client(query('SELECT 1; SELECT 2')),
      server(columns, complete('SELECT 1'), columns, complete('SELECT 1'), ready),
      client(query("SELECT 1; DELETE FROM a WHERE x = 'y'")),
      server(columns, complete('SELECT 1'), error('42P01'), ready),
      client(query('')),
      server(message('I'), ready),
    ),
    [
      'shop | BATCH SELECT | ok | 2 | SELECT ?',
      'shop | BATCH | 42P01 | 2 | SELECT ?; DELETE FROM a WHERE x = ?',
      'shop | postgresql | ok |  | ',
    ],
  );
});

test('an Execute is a span with the text of its statement', async (t) => {
  t.deepEqual(
    await told(
      client(parse('s1', 'SELECT a FROM t WHERE id = $1'), message('D', 'Ss1\0'), sync),
      server(message('1'), message('t', '\0\0'), columns, ready),
      client(bind('s1'), execute('', 2), sync),
      server(message('2'), row('1'), message('s'), ready),
      client(execute('', 2), sync),
      server(row('2'), complete('SELECT 1'), ready),
      client(message('C', 'Ss1\0'), bind('s1'), execute(), sync),
      server(message('3'), error('26000'), ready),
    ),
    [
      'shop | SELECT t | ok |  | SELECT a FROM t WHERE id = $1',
      'shop | SELECT t | ok |  | SELECT a FROM t WHERE id = $1',
      'shop | postgresql | 26000 |  | ',
    ],
  );
});

const unit = (table: string): string =>
  parse('', `DELETE FROM ${table}`) + bind('') + describe() + execute();

test('what is sent behind a failure is aborted, up to the next Sync', async (t) => {
  const fine = message('1') + message('2') + message('n') + complete('DELETE 0');
  const expected = [
    'shop | DELETE a | ok |  | DELETE FROM a',
    'shop | DELETE b | 42P01 |  | DELETE FROM b',
    'shop | DELETE c | pipeline_aborted |  | DELETE FROM c',
    'shop | DELETE d | ok |  | DELETE FROM d',
  ];
  const asked = unit('a') + unit('b') + unit('c');
  t.deepEqual(
    await told(
      client(asked, sync, unit('d'), sync),
      server(fine, error('42P01'), ready, fine, ready),
    ),
    expected,
    'in one pipeline',
  );
  t.deepEqual(
    await told(
      client(unit('a'), unit('b'), message('H')),
      server(fine, error('42P01')),
      client(unit('c'), sync),
      server(ready),
      client(unit('d'), sync),
      server(fine, ready),
    ),
    expected,
    'sent later',
  );
});

test('a statement that cannot be prepared is a span', async (t) => {
  t.deepEqual(
    await told(
      client(parse('x', 'SELECT * FROM missing'), message('D', 'Sx\0'), sync),
      server(error('42P01'), ready),
      client(parse('y', 'SELECT 1'), message('H')),
      server(message('1')),
      client(sync),
      server(ready),
    ),
    ['shop | SELECT missing | 42P01 |  | SELECT * FROM missing'],
  );
});

test('a Sync that comes while data are copied is not answered', async (t) => {
  t.deepEqual(
    await told(
      client(parse('', 'COPY t FROM STDIN'), bind(''), execute(), sync),
      server(message('1'), message('2'), message('G', '\0\0\0')),
      client(message('d', '1\tsecret\n'), sync, message('c'), sync),
      server(complete('COPY 1'), ready),
      client(query('COPY t TO STDOUT')),
      server(message('H', '\0\0\0'), message('d', 'x\n'), message('c'), complete('COPY 1'), ready),
    ),
    ['shop | COPY t | ok |  | COPY t FROM STDIN', 'shop | COPY t | ok |  | COPY t TO STDOUT'],
  );
});

test('notices, notifications and calls of functions', async (t) => {
  t.deepEqual(
    await told(
      client(message('F', '\0'.repeat(12))),
      server(
        message('N', 'SNOTICE\0\0'),
        message('V', '\0\0\0\0'),
        message('A', '\0\0\0\x01a\0b\0'),
        ready,
      ),
      server(message('A', '\0\0\0\x01a\0b\0'), message('E', 'SFATAL\0C57P01\0\0')),
    ),
    ['shop | FUNCTION CALL | ok |  | '],
  );
});

test('encryption that is refused goes on in plain text, and ends the reading where it is taken', async (t) => {
  const asks: Turn[] = [client(opening(codes.gss)), server('N'), client(opening(codes.ssl))];
  const rest: Turn[] = [...start, client(query('SELECT 1')), server(complete('SELECT 1'), ready)];
  const plain = await readDatabase([...asks, server('N'), ...rest]);
  t.deepEqual(plain.spans.map(brief), ['shop | SELECT | ok |  | SELECT ?']);
  const tls = await readDatabase([...asks, server('S'), client('\x16\x03\x01\0\x05hello')]);
  t.deepEqual(tls.ledger.bytes.skipped, { tls: 10 });
  const gss = await readDatabase([client(opening(codes.gss)), server('G'), client('\0\0\0\x01x')]);
  t.deepEqual(gss.ledger.bytes.skipped, { gssapi: 5 });
});

test('a replication is told up to its beginning, and what follows is skipped by name', async (t) => {
  const { spans, ledger } = await readDatabase([
    ...start,
    client(query('START_REPLICATION SLOT "s" LOGICAL 0/0')),
    server(message('W', '\0\0\0'), message('d', 'changes')),
    client(message('d', 'r')),
  ]);
  t.deepEqual(
    spans.map(({ name, status, parentSpanId }) => [name, status, parentSpanId]),
    [['START_REPLICATION', 0, '']],
  );
  t.deepEqual(ledger.bytes.skipped, { replication: 18 });
  t.deepEqual(ledger.requests.lost, {});
});

test('what follows an error is not carried out until the next Sync, a Query among it', async (t) => {
  const lines = [
    'shop | SELECT | 42P01 |  | SELECT ?',
    'shop | SELECT | pipeline_aborted |  | SELECT ?',
    'shop | BEGIN | ok |  | BEGIN',
  ];
  const behind = [client(query('BEGIN')), server(complete('BEGIN'), ready)];
  // The error comes before the Query, and behind it.
  t.deepEqual(
    await told(
      client(parse('', 'SELECT 1'), bind(''), execute()),
      server(error('42P01')),
      client(query('SELECT 2'), sync),
      server(ready),
      ...behind,
    ),
    lines,
  );
  t.deepEqual(
    await told(
      client(parse('', 'SELECT 1'), bind(''), execute(), query('SELECT 2'), sync),
      server(error('42P01'), ready),
      ...behind,
    ),
    lines,
  );
});

test('a cancellation is no request, and its key is not told', async (t) => {
  const { spans, ledger } = await readDatabase([client(opening(codes.cancel, '\0\0\0\x01abcd'))]);
  t.deepEqual(spans, []);
  t.deepEqual(ledger.bytes.skipped, {});
});

test('the database is called as its user where none is named, in 3.2 too', async (t) => {
  const { spans } = await readDatabase([
    client(opening(codes.v32, 'user\0ann\0\0')),
    server(message('R', '\0\0\0\0'), ready),
    client(query('BEGIN')),
    server(complete('BEGIN'), ready),
  ]);
  t.deepEqual(spans.map(brief), ['ann | BEGIN | ok |  | BEGIN']);
});

test('a server that goes without an answer fails the query', async (t) => {
  t.deepEqual(await told(client(query('SELECT 1'))), [
    'shop | SELECT | connection_closed |  | SELECT ?',
  ]);
  t.deepEqual(await told(client(query('SELECT 1')), server(error('57P01'))), [
    'shop | SELECT | 57P01 |  | SELECT ?',
  ]);
});

test('hostile messages end the reading, and what is open is lost by name', async (t) => {
  for (const bytes of ['Q\0\0\0\0', 'Z\0\0\0\x06Ixx', 'D\x7f\xff\xff\xff', '!\0\0\0\x04']) {
    const { spans, ledger } = await readDatabase([
      ...start,
      client(query('SELECT 1')),
      server(bytes),
    ]);
    t.deepEqual(spans, []);
    t.deepEqual(ledger.requests.lost, { malformed: 1 });
  }
});

test('a request of Kafka with the numbers of a startup message is none', async (t) => {
  // Metadata, version 0, with correlation 1.
  const { spans } = await readDatabase([
    client('\0\0\0\x12\0\x03\0\0\0\0\0\x01\0\x04test\0\0\0\0'),
  ]);
  t.deepEqual(
    spans.map(({ name }) => name),
    ['Metadata'],
  );
});
