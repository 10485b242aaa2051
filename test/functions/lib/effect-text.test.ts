import test from 'ava';
import { effectText, riseText } from '../../../functions/lib/effect-text.ts';

test('a rise is told in percent, and from tenfold on as a factor', (t) => {
  t.is(riseText(0.0312), '+3.1 %');
  t.is(riseText(-0.05), '-5.0 %');
  t.is(riseText(8.5), '+850.0 %');
  t.is(riseText(348.6), '×350');
});

test('an effect without an upper bound says so', (t) => {
  const effect = { metric: 'errors', estimate: 0, low: -1, high: 999_999 } as const;
  t.is(effectText(effect), 'errors +0.0 % [-100.0 %, unbounded]');
});
