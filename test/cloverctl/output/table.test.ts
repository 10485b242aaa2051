import test from 'ava';
import fc from 'fast-check';
import { growingTable, table, type Column } from '../../../cloverctl/output/table.ts';
import { textWidth } from '../../../cloverctl/output/width.ts';

type Row = readonly [name: string, note: string, count: string];

const columns: readonly Column<Row>[] = [
  { head: 'NAME', cell: ([name]) => name, whole: true },
  { head: 'NOTE', cell: ([, note]) => note, tone: (text) => (text === 'bad' ? 'bad' : undefined) },
  { head: 'COUNT', cell: ([, , count]) => count, align: 'right' },
];

test('wide, combining and joined characters take the columns that a terminal gives them', (t) => {
  t.deepEqual(
    table(columns, [
      ['日本', 'x', '1'],
      ['e\u0301', 'y', '20'],
      ['👩‍👩‍👧', 'z', '3'],
    ]),
    [
      'NAME   NOTE   COUNT',
      '日本   x          1',
      'e\u0301      y         20',
      '👩‍👩‍👧     z          3',
    ],
  );
});

test('what is too wide is cut in the widest column that can give, never in the name', (t) => {
  const rows: Row[] = [['a-rather-long-name', 'a note that goes on and on', '123456789']];
  t.deepEqual(table(columns, rows, { width: 45 }), [
    'NAME                 NOTE               COUNT',
    'a-rather-long-name   a note that…   123456789',
  ]);
  t.deepEqual(table(columns, rows, { width: 39 })[1], 'a-rather-long-name   a not…   123456789');
  t.deepEqual(table(columns, rows, { width: 30 })[1], 'a-rather-long-name   a not…  …');
  t.deepEqual(table(columns, rows, { width: 10 }), ['NAME     …', 'a-rather-…']);
  t.deepEqual(
    table(columns, rows)[1],
    `a-rather-long-name   a note that goes on and on   123456789`,
  );
});

test('a colour surrounds the text alone, and only where it is asked for', (t) => {
  const rows: Row[] = [['x', 'bad', '1']];
  const long: Row[] = [['a-rather-long-name', 'bad', '1']];
  const look = { colour: true, head: false };
  t.is(
    table(columns, long, { ...look, width: 25 })[0],
    'a-rather-long-name   \u001B[31mbad\u001B[39m…',
  );
  t.is(table(columns, long, { ...look, width: 23 })[0], 'a-rather-long-name   b…');
  t.is(table(columns, rows, { colour: true })[1], 'x      \u001B[31mbad\u001B[39m        1');
  t.is(table(columns, rows)[1], 'x      bad        1');
});

test('control characters of cells do nothing to the terminal', (t) => {
  const rows: Row[] = [['a\u001B[2J', 'two\nlines\t\u009B1m\u202E', '1']];
  t.is(
    table(columns, rows, { head: false })[0],
    String.raw`a\u001b[2J   two\nlines\t\u009b1m\u202e   1`,
  );
});

test('a table that grows has one head, and keeps its columns as wide as they were', (t) => {
  const lines = growingTable(columns, {});
  t.deepEqual(lines(['a-rather-long-name', 'x', '1']), [
    'NAME                 NOTE          COUNT',
    'a-rather-long-name   x                 1',
  ]);
  t.deepEqual(lines(['b', 'x', '2']), ['b                    x                 2']);
});

test('no line of any text is wider than the terminal', (t) => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 5 }),
      fc.integer({ min: 1, max: 90 }),
      (notes, width) => {
        const rows = notes.map((note): Row => ['name', note, '1']);
        for (const line of table(columns, rows, { width })) {
          if (textWidth(line) > width || /\p{Cc}/u.test(line)) return false;
        }
        return true;
      },
    ),
  );
  t.pass();
});
