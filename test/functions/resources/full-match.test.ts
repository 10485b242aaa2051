import test from 'ava';
import fc from 'fast-check';
import { Budget } from '../../../functions/resources/budget.ts';
import { fullyMatches } from '../../../functions/resources/full-match.ts';

const matches = (regex: string, text: string, steps = 10_000): boolean =>
  fullyMatches(regex, text, new Budget(steps));

test('many repetitions of one character cost as many steps as they are long, not a power of it', (t) => {
  const regex = `/${'a*'.repeat(8)}`;
  t.true(matches(regex, `/${'a'.repeat(1_000)}`));
  t.false(matches(`${regex}b`, `/${'a'.repeat(1_000)}`));
  t.true(matches('[ab]{0,500}[ab]{0,500}', 'ab'.repeat(500), 1_000_000));
});

test('a match is not claimed when the steps are used up', (t) => {
  t.true(matches('/a*', '/aaaaaaaa', 20));
  t.false(matches('/a*', '/aaaaaaaa', 5));
});

test('an expression with what is not read is not claimed', (t) => {
  const other = [
    'a|a',
    '(a)',
    '(?i)a',
    'a\\b',
    '[[:alpha:]]',
    '[]a]',
    '\\pL',
    '\\x61',
    'é*a',
    'aé*',
  ];
  other.push('a{0', 'a**', '*a', '^*a', 'a$b*', '\\Qa\\E', '[a', 'a\\', 'a[é]*', 'a\\é*', 'a]*');
  for (const regex of other) t.false(fullyMatches(regex, 'a', new Budget(1_000)), regex);
});

test('texts outside of printable ASCII are not claimed', (t) => {
  for (const text of ['é', '\n', '\u2028', 'a\u0000']) t.false(matches('.*', text), text);
});

const atom = fc.constantFrom(
  'a',
  'b',
  '-',
  '.',
  '\\.',
  '\\d',
  '\\W',
  '[ab-]',
  '[^a]',
  '[\\d.]',
  '[^\\-.-]',
  '[--1]',
  '[\\w^]',
  '\\^',
);
const times = fc.constantFrom('', '*', '+', '?', '*?', '{2}', '{1,}', '{0,2}', '{1,3}?');
const simple = fc
  .array(fc.tuple(atom, times), { maxLength: 5 })
  .chain((parts) =>
    fc.constantFrom('', '^').map((start) => `${start}${parts.map((one) => one.join('')).join('')}`),
  )
  .chain((regex) => fc.constantFrom(regex, `${regex}$`));

test('a text is taken where JavaScript takes the whole of it, and only there', (t) => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '-', '.', '1', '^', '$'),
    maxLength: 6,
  });
  fc.assert(
    fc.property(simple, text, (regex, value) => {
      t.is(matches(regex, value), new RegExp(`^(?:${regex})$`).test(value), `${regex} ${value}`);
    }),
    { numRuns: 5_000 },
  );
});
