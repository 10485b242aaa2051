import test from 'ava';
import { slopeOf } from './slope.ts';

const series = (count: number, value: (at: number) => number) =>
  Array.from({ length: count }, (_one, at) => ({ at, value: value(at) }));

test('a line has its slope, within no bounds', (t) => {
  const { slope, from, to } = slopeOf(series(200, (at) => 3 + at / 4));
  for (const one of [slope, from, to]) t.true(Math.abs(one - 0.25) < 1e-9);
});

test('what swings and does not rise has a slope of which 0 is within the bounds', (t) => {
  const { from, to } = slopeOf(series(400, (at) => 50 + 5 * Math.sin(at * 1.7)));
  t.true(from < 0 && to > 0);
  t.true(to - from < 0.05);
});

test('a small rise below large swings is found', (t) => {
  const { from } = slopeOf(series(4_000, (at) => at / 100 + 5 * Math.sin(at * 1.7)));
  t.true(from > 0.009);
});

test('fewer samples than parts are refused', (t) => {
  t.throws(() => slopeOf(series(19, () => 1)), { instanceOf: RangeError });
});
