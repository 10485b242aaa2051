import test from 'ava';
import { quantity } from '../../../knative/render/installation-values.ts';
import { amountOf, bytesOf } from '../../../knative/render/quantity.ts';

const amounts: readonly (readonly [text: string, amount: number])[] = [
  ['1', 1],
  ['0.5', 0.5],
  ['.5', 0.5],
  ['5.', 5],
  ['250m', 0.25],
  ['100u', 1e-4],
  ['100n', 1e-7],
  ['1k', 1e3],
  ['1G', 1e9],
  ['1e9', 1e9],
  ['1E9', 1e9],
  ['12e-3', 0.012],
  ['1e+3', 1e3],
  ['1E', 1e18],
  ['1P', 1e15],
  ['64Ki', 65_536],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['1Pi', 2 ** 50],
  ['1Ei', 2 ** 60],
];

test('a quantity is what Kubernetes takes for one, but for a sign', (t) => {
  for (const [text, amount] of amounts) {
    t.is(quantity.parse(text), text);
    const found = amountOf(text);
    t.true(Math.abs(found - amount) <= amount * 1e-12, `${text}: ${found}`);
  }
  for (const text of [
    '',
    '.',
    'Mi',
    '1 Mi',
    '1mi',
    '1KI',
    '1Kib',
    '1e',
    '1e1Mi',
    '-1',
    '+1',
    '1,5',
  ]) {
    t.false(quantity.safeParse(text).success, text);
  }
});

test('a number stands for its text, as YAML has it without quotes', (t) => {
  t.is(quantity.parse(1), '1');
  t.is(quantity.parse(0.5), '0.5');
  t.is(quantity.parse(1e9), '1000000000');
  for (const value of [-1, Infinity, NaN, true, null]) {
    t.false(quantity.safeParse(value).success, String(value));
  }
});

test('parts of a byte are a byte', (t) => {
  t.is(bytesOf('1100m'), 2);
  t.is(bytesOf('1Ki'), 1024);
});
