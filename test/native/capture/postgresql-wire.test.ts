import test from 'ava';
import fc from 'fast-check';

import type { Turn } from './conversation.ts';
import { assertAnyOrder, assertNamedLosses, brief, client, readDatabase, server } from './db.ts';
import {
  bind,
  columns,
  complete,
  describe,
  error,
  execute,
  message,
  parse,
  query,
  ready,
  row,
  start,
  sync,
} from './postgresql.ts';
import { recordedLines, recordedTurns } from './recorded-turns.ts';

const exchanges: readonly Turn[] = [
  ...start,
  ...Array.from({ length: 8 }, (_, at): Turn[] =>
    at % 2 === 0
      ? [
          client(query(`SELECT * FROM t${at}`)),
          server(
            columns,
            row('x'),
            row('yy'),
            at % 4 === 0 ? complete('SELECT 2') : error('22012'),
            ready,
          ),
        ]
      : [
          client(parse('', `DELETE FROM t${at}`), bind(''), describe(), execute(), sync),
          server(message('1'), message('2'), message('n'), complete('DELETE 1'), ready),
        ],
  ).flat(),
];
const expected = Array.from({ length: 8 }, (_, at) =>
  at % 2 === 0
    ? `SELECT t${at} | ${at % 4 === 0 ? 'ok' : '22012'} |  | SELECT * FROM t${at}`
    : `DELETE t${at} | ok |  | DELETE FROM t${at}`,
);

test('any split, order and duplication of segments gives the same spans', async (t) => {
  await assertAnyOrder(
    t,
    fc.constant(exchanges),
    expected.map((line) => `shop | ${line}`),
  );
});

test('behind a hole and from the middle each span is right, or its loss has a name', async (t) => {
  await assertNamedLosses(t, exchanges, expected, { from: 4, untold: 1 });
});

/*
 * PostgreSQL 15 with pg 8, pg-cursor, pg-copy-streams, psql and pgbench: SCRAM, simple and extended queries, names, a cursor,
 * COPY both ways, errors, NOTIFY and notices, a wrong password, a refused SSLRequest, a pipeline and a cancellation.
 */
const recordings = recordedTurns('postgresql');

for (const cuts of [[60_000], [1448], [1], [7, 100, 3]])
  test(`a recording of a real server and drivers is told in segments of ${cuts.join(', ')}`, async (t) => {
    const lines: string[] = [];
    for (const turns of recordings) {
      const { spans, ledger } = await readDatabase(turns, cuts);
      lines.push(...spans.map(brief));
      t.deepEqual(ledger.bytes.skipped, {});
      t.deepEqual(ledger.requests.lost, {});
    }
    t.deepEqual(lines, recordedLines('postgresql'));
  });
