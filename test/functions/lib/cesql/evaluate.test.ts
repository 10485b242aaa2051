import test, { type ExecutionContext } from 'ava';
import { evaluateCesql } from '../../../../functions/lib/cesql/evaluate.ts';
import type { CesqlError, Evaluation, Value } from '../../../../functions/lib/cesql/expression.ts';
import { builtinFunctions } from '../../../../functions/lib/cesql/functions.ts';
import { parseCesql } from '../../../../functions/lib/cesql/parse.ts';
import { maxWork, newWork } from '../../../../functions/lib/cesql/work.ts';

const event = new Map(Object.entries({ id: '1', hop: '5', name: ' Zoë 😀 ', flag: 'TRUE' }));

const run = (text: string): Evaluation => evaluateCesql(parseCesql(text), event);

const gives = (t: ExecutionContext, cases: Readonly<Record<string, Value>>): void => {
  for (const [text, value] of Object.entries(cases)) t.deepEqual(run(text), { value }, text);
};

const fails = (
  t: ExecutionContext,
  kind: CesqlError['kind'],
  cases: Readonly<Record<string, Value>>,
): void => {
  for (const [text, value] of Object.entries(cases)) {
    const result = run(text);
    t.is(result.error?.kind, kind, text);
    t.is(result.value, value, text);
  }
};

test('arithmetic that leaves 32 bits is an error, not a wrapped number', (t) => {
  fails(t, 'math', {
    '2147483647 + 1': 0,
    '-2147483648 - 1': 0,
    '65536 * 32768': 0,
    '-2147483648 / -1': 0,
    '-(-2147483648)': 0,
  });
  gives(t, { '-2147483648 % -1': 0, '65536 * -32768': -2_147_483_648, '0 * -1': 0 });
});

test('divisions are truncated; the remainder has the sign of the dividend', (t) => {
  gives(t, { '-7 / 2': -3, '7 / -2': -3, '-7 % 2': -1, '7 % -2': 1 });
});

test('the right operand decides how two values are compared', (t) => {
  gives(t, {
    'hop = 5': true,
    '5 = hop': true,
    'flag = true': true,
    'true = flag': false,
    '7 = true': true,
  });
  fails(t, 'cast', { 'name = 5': false, 'name != 5': false, 'hop = true': false });
});

test('comparisons of order are of integers only', (t) => {
  gives(t, { 'hop < 10': true, 'true >= 1': true });
  fails(t, 'cast', { 'name < 10': false, '10 > name': false });
});

test('an error is that of the whole, and what it touches has its zero value', (t) => {
  fails(t, 'missingAttribute', {
    'true AND (missing = "")': false,
    'missing * 5': 0,
    '1 / missing': 0,
    'NOT (missing = 1)': false,
    'missing OR true': false,
    'true XOR missing': false,
    'LENGTH(missing)': 0,
    'CONCAT("a", missing)': '',
    'missing IN (1)': false,
    '1 IN (2, missing, 1)': false,
    'missing LIKE "%"': false,
    'missing NOT LIKE "%"': false,
  });
  fails(t, 'missingFunction', { 'NOSUCH(1)': false, 'LENGTH()': false, 'LEFT("a")': false });
  t.is(run('missing + (1 / 0)').error?.message, 'the event has no attribute "missing"');
});

test('what is not evaluated does not fail', (t) => {
  gives(t, {
    'false AND missing': false,
    'true OR missing': true,
    '1 IN (1, missing)': true,
    'EXISTS missing AND missing = 1': false,
  });
});

test('characters are code points, and white space is that of Unicode', (t) => {
  gives(t, {
    'LENGTH(name)': 7,
    'TRIM(name)': 'Zoë 😀',
    'RIGHT(TRIM(name), 1)': '😀',
    'LEFT(name, 3)': ' Zo',
    'SUBSTRING(TRIM(name), -1)': '😀',
    "TRIM('\u0085\u00a0\u3000x\u2028')": 'x',
    "TRIM('\ufeffx')": '\ufeffx',
    "TRIM('  ')": '',
    'UPPER(name)': ' ZOË 😀 ',
  });
});

test('SUBSTRING refuses a negative length and takes one that is too long', (t) => {
  gives(t, {
    "SUBSTRING('abc', 2, 9)": 'bc',
    "SUBSTRING('abc', 2, 0)": '',
    "SUBSTRING('', 0)": '',
  });
  fails(t, 'functionEvaluation', { "SUBSTRING('abc', 1, -1)": '', "SUBSTRING('', 1)": '' });
});

test('texts are numbers only when they are decimal and fit', (t) => {
  gives(t, { "INT('+7')": 7, "INT('-0')": 0, "IS_INT('12')": true, "IS_INT('x')": false });
  gives(t, { 'IS_BOOL(flag)': true, "IS_BOOL('yes')": false, 'IS_INT(true)': true });
  fails(t, 'cast', {
    "INT('2147483648')": 0,
    "INT(' 1')": 0,
    "INT('0x1')": 0,
    "INT('')": 0,
    "INT('1e3')": 0,
  });
});

test('a function of the caller may not break the evaluation', (t) => {
  const expression = parseCesql('BROKEN() = 0');
  const broken = {
    name: 'BROKEN',
    parameters: [],
    returns: 'Integer',
    call: () => {
      throw new Error('no luck');
    },
  } as const;
  const result = evaluateCesql(expression, event, [...builtinFunctions, broken]);
  t.deepEqual(result, {
    value: false,
    error: { kind: 'generic', message: 'BROKEN: Error: no luck' },
  });
});

const long = new Map([
  ['id', 'a'.repeat(16_000)],
  ['sharp', 'ß'.repeat(16_000)],
]);
const runLong = (text: string): Evaluation => evaluateCesql(parseCesql(text), long);
const times = (count: number, text: string): string => Array(count).fill(text).join(', ');

test('a text has at most 64 KiB characters; a longer one is an error and empty', (t) => {
  t.deepEqual(runLong(`LENGTH(CONCAT(${times(4, 'id')}))`), { value: 64_000 });
  const most = 'at most 65536 are allowed';
  t.deepEqual(runLong(`CONCAT(${times(5, 'id')})`), {
    value: '',
    error: { kind: 'limit', message: `CONCAT: a text of 80000 characters, ${most}` },
  });
  // The delimiter is one argument, and stands between all the others.
  t.deepEqual(runLong(`CONCAT_WS(id, ${times(480, "''")})`), {
    value: '',
    error: { kind: 'limit', message: `CONCAT_WS: a text of 7664000 characters, ${most}` },
  });
  t.deepEqual(runLong(`UPPER(CONCAT(${times(3, 'sharp')}))`), {
    value: '',
    error: { kind: 'limit', message: `UPPER: a text of 96000 characters, ${most}` },
  });
});

test('an evaluation reads and makes a million characters, however its functions are nested', (t) => {
  const once = "id LIKE '%b%'";
  const each = (count: number): string => Array(count).fill(once).join(' OR ');
  t.deepEqual(runLong(each(32)), { value: false });
  const { value, error } = runLong(each(33));
  t.deepEqual([value, error?.kind], [false, 'limit']);
  t.is(error?.message, 'functions and LIKE may read and make 1048576 characters');
  t.is(runLong(`CONCAT(${times(240, 'id')})`).error?.message, error?.message);
  t.is(runLong(`LENGTH(UPPER(CONCAT(${times(240, 'id')}))) > 5`).error?.kind, 'limit');
  const pattern = `%${'a_'.repeat(4_000)}b%`;
  t.is(runLong(`id LIKE '${pattern}'`).error?.kind, 'limit', 'a long pattern costs more');
  t.deepEqual(runLong(`LEFT(id, 8001) LIKE '${pattern}'`).error?.kind, undefined);
});

test('evaluations that share their work end together', (t) => {
  const work = newWork();
  const expression = parseCesql('LENGTH(id)');
  const results = Array.from({ length: 100 }, () =>
    evaluateCesql(expression, long, builtinFunctions, work),
  );
  t.is(results.filter(({ error }) => error === undefined).length, Math.floor(maxWork / 16_000));
});
