import test from 'ava';
import { gapOf, type NumberedSpans } from './gap.ts';

/** A load of ten, one request each ten milliseconds, of which nobody saw those in `away`. */
const load = (...away: readonly number[]): NumberedSpans[] =>
  Array.from({ length: 10 }, (_, n) => n)
    .filter((n) => !away.includes(n))
    .flatMap((n) =>
      ['Client', 'Server'].map((kind) => ({ n, kind, spans: 1, startMs: 1_000 + 10 * n })),
    );
const interval = { fromMs: 1_025, toMs: 1_065 };

test('what is missing between the instants that are told is told', (t) => {
  t.deepEqual(gapOf(10, load(3, 4, 5, 6), interval), {
    doubled: [],
    missing: [3, 4, 5, 6],
    untold: [],
  });
  const half = load(3, 4, 5).filter(({ n, kind }) => n !== 6 || kind === 'Client');
  t.deepEqual(gapOf(10, half, interval), { doubled: [], missing: [3, 4, 5, 6], untold: [] });
});

test('what is missing before or after them is not told, also where one side of it was seen', (t) => {
  t.deepEqual(gapOf(10, load(1, 4, 9), interval).untold, [1, 9]);
  const half = load(4).filter(({ n, kind }) => (n !== 2 && n !== 7) || kind === 'Server');
  t.deepEqual(gapOf(10, half, interval).untold, [2, 7]);
  t.deepEqual(gapOf(10, [], interval), {
    doubled: [],
    missing: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    untold: [],
  });
});

test('a second span of one side, a third side and a request that nobody sent are named', (t) => {
  const again = { n: 4, kind: 'Server', spans: 2, startMs: 1_040 };
  t.deepEqual(gapOf(10, [...load(4), again], interval).doubled, [4]);
  const more = [
    { n: 5, kind: 'Internal', spans: 1, startMs: 1_050 },
    { n: 10, kind: 'Client', spans: 1, startMs: 1_100 },
  ];
  t.deepEqual(gapOf(10, [...load(), ...more], interval).doubled, [5, 10]);
});
