import test, { type ExecutionContext } from 'ava';
import { maxLength, maxTokens } from '../../../../functions/lib/cesql/lexer.ts';
import { evaluateCesql } from '../../../../functions/lib/cesql/evaluate.ts';
import { parseCesql } from '../../../../functions/lib/cesql/parse.ts';
import { print } from './print.ts';

const grouped = (text: string): string => print(parseCesql(text));

const value = (text: string) => evaluateCesql(parseCesql(text), new Map()).value;

const refused = (t: ExecutionContext, text: string): string =>
  t.throws(() => parseCesql(text), { code: 'CLV_FILTER_INVALID' })?.message ?? '';

test('what stands before its operand binds tightest, then LIKE and IN', (t) => {
  t.is(grouped('NOT a = b'), '(NOT a) = b');
  t.is(grouped('-a * b'), '(-a) * b');
  t.is(grouped(`NOT a LIKE 'x'`), `(NOT a) LIKE 'x'`);
  t.is(grouped(`a + b LIKE 'x'`), `a + (b LIKE 'x')`);
  t.is(grouped('a = b IN (c)'), 'a = (b IN (c))');
  t.is(grouped('NOT EXISTS a AND b'), '(NOT (EXISTS a)) AND b');
  t.is(grouped(`a NOT LIKE 'x' AND b NOT IN (c, 1)`), `(NOT (a LIKE 'x')) AND (NOT (b IN (c, 1)))`);
});

test('products come before sums, sums before comparisons, comparisons before logic', (t) => {
  t.is(grouped('a - b * c % d'), 'a - ((b * c) % d)');
  t.is(grouped('a + b < c - d'), '(a + b) < (c - d)');
  t.is(grouped('a = b AND c <> d'), '(a = b) AND (c != d)');
});

test('logic groups from the right and has one level; all else groups from the left', (t) => {
  t.is(grouped('a AND b OR c XOR d'), 'a AND (b OR (c XOR d))');
  t.is(grouped('a - b - c'), '(a - b) - c');
  t.is(grouped('a = b = c'), '(a = b) = c');
});

test('a sign that touches a number belongs to it', (t) => {
  t.deepEqual(parseCesql('-2147483648'), { kind: 'literal', value: -2_147_483_648 });
  t.deepEqual(parseCesql('+5'), { kind: 'literal', value: 5 });
  t.deepEqual(parseCesql('-0'), { kind: 'literal', value: 0 });
  t.is(grouped('4-1'), '(4) - (1)');
  t.is(grouped('- 1'), '-(1)');
});

test('names are read in any case; digits may lead an attribute', (t) => {
  t.is(grouped('Subject = LENGTH(1a)'), 'subject = LENGTH(1a)');
  t.is(grouped('is_int(X)'), 'IS_INT(x)');
});

test('a backslash escapes the delimiter and nothing else', (t) => {
  t.is(value(String.raw`'it\'s "so"'`), `it's "so"`);
  t.is(value(String.raw`"a\'b"`), String.raw`a\'b`);
  t.is(value(String.raw`'a\n\\'`), String.raw`a\n\\`);
});

test('a refusal says where, what was found and what is expected', (t) => {
  const operand = 'a literal, an attribute, a function, NOT, "-", EXISTS or "("';
  const cases: readonly (readonly [string, string])[] = [
    ['', `at character 1: found the end of the expression, expected ${operand}`],
    ['type =', `at character 7: found the end of the expression, expected ${operand}`],
    ['type = )', `at character 8: found ")", expected ${operand}`],
    ['type == 1', `at character 7: found "=", expected ${operand}`],
    ['type 1', 'at character 6: found "1", expected an operator or the end of the expression'],
    ['(1', 'at character 3: found the end of the expression, expected an operator or ")"'],
    ['type LIKE 5', 'at character 11: found "5", expected a pattern in quotes'],
    ['type NOT 5', 'at character 10: found "5", expected LIKE or IN'],
    ['type IN 5', 'at character 9: found "5", expected "(" and the elements of the set'],
    ['f(1 2)', 'at character 5: found "2", expected "," or ")"'],
    ['a IN ()', `at character 7: found ")", expected ${operand}`],
    ['ABC)', 'at character 4: found ")", expected an operator or the end of the expression'],
    ['ABC(1,', `at character 7: found the end of the expression, expected ${operand}`],
    ['EXISTS 123', 'at character 8: found "123", expected the name of an attribute'],
    ['EXISTS and', 'at character 8: found "and", expected the name of an attribute'],
    ['f1(2)', 'at character 1: found "f1", expected the name of a function: letters and "_"'],
    [
      'a_b = 1',
      'at character 1: found "a_b", expected the name of an attribute: letters and digits',
    ],
    [`'abc`, `at character 1: found a string without end, expected a closing '`],
    ['a ; b', 'at character 3: found ";", expected a word, a number, a string or an operator'],
    ['2147483648', 'at character 1: found 2147483648, expected an integer of 32 bits'],
    ['-2147483649', 'at character 2: found -2147483649, expected an integer of 32 bits'],
  ];
  for (const [text, message] of cases) t.is(refused(t, text), `CESQL: ${message}`, text);
  t.regex(refused(t, `'it''s'`), /at character 5: found "s", expected an operator/);
});

test('an expression has a bounded size, and one of that size works', (t) => {
  const deep = `${'('.repeat(499)}1${')'.repeat(499)}`;
  t.is(value(deep), 1);
  const left = `1${'+1'.repeat(499)}`;
  t.is(value(left), 500);
  const right = `true${' and true'.repeat(499)}`;
  t.is(value(right), true);
  const unary = `${'NOT '.repeat(maxTokens - 1)}true`;
  t.is(value(unary), false);
  t.regex(refused(t, `NOT ${unary}`), /expected at most 1000 tokens/);
  t.regex(refused(t, `'${'x'.repeat(maxLength)}'`), /found 8194 characters, expected at most 8192/);
});
