import test from 'ava';
import fc from 'fast-check';
import type { JudgeInput } from '../../../functions/evaluate/judge.ts';
import { watch } from '../../../functions/evaluate/watch.ts';
import { toRfc3339 } from '../../../functions/lib/rfc3339.ts';
import { toBlockCells } from './helpers/cells.ts';
import { inputOf, planOf, requests } from './helpers/evidence.ts';

function watched(
  factor: number,
  errorRatio: number,
  seconds = 70,
  more: Partial<JudgeInput> = {},
): ReturnType<typeof watch> {
  const errors = [0, errorRatio] as const;
  const after = { seconds, share: 1, epoch: 2, factor, errors, seed: 4, from: 1_020 };
  const cells = toBlockCells([...requests({ seconds: 20 }), ...requests(after)]);
  const intents = [
    { epoch: 1, variantWeight: 50, at: toRfc3339(999_000) },
    { epoch: 2, variantWeight: 100, at: toRfc3339(1_020_000) },
  ];
  return watch({ ...inputOf(cells, { intents, ...more }), verdictAt: 1_020_000 });
}

test('the watch passes a version that keeps the control’s level, after its whole duration', (t) => {
  t.is(watched(1, 0).outcome, 'PASS');
  t.is(watched(1.3, 0).outcome, 'PASS');
  t.is(watched(1, 0, 30).outcome, 'CONTINUE');
  const silent = { watermark: 1_100_000, now: 1_100_000 };
  t.is(watched(1, 0, 30, silent).outcome, 'CONTINUE');
});

test('the watch fails a version that turns surely slower or surely faulty', (t) => {
  t.is(watched(2, 0, 10).outcome, 'FAIL');
  t.is(watched(1, 0.1, 10).outcome, 'FAIL');
});

test('good minutes do not hide what turns bad later: errors are found within three seconds, latency within ten', (t) => {
  const cases = [
    { factor: 3, seconds: 10 },
    { errors: [0, 0.2], seconds: 3 },
  ] as const;
  for (const late of cases) {
    const good = { seconds: 600, share: 1, epoch: 2, seed: 4, from: 1_020, perSecond: 100 };
    const bad = { ...good, ...late, seed: 5, from: 1_620 };
    const seen = [good, bad].flatMap((shape) => requests(shape));
    const cells = toBlockCells([...requests({ seconds: 20 }), ...seen]);
    const plan = planOf({ watchAfter: { duration: '1h' } });
    const intents = [
      { epoch: 1, variantWeight: 50, at: toRfc3339(999_000) },
      { epoch: 2, variantWeight: 100, at: toRfc3339(1_020_000) },
    ];
    const input = { ...inputOf(cells, { intents, plan }), verdictAt: 1_020_000 };
    t.is(watch({ ...input, watermark: 1_620_000 }).outcome, 'CONTINUE');
    t.is(watch(input).outcome, 'FAIL');
  }
});

/** The outcome at each second of a watch of three minutes whose latency is multiplied in some seconds from the 30th on. */
function outcomes(slow: {
  readonly seed: number;
  readonly perSecond: number;
  readonly factor: number;
  readonly seconds: number;
  readonly duration?: string;
}) {
  const { seed, perSecond, factor, seconds, duration = '1m' } = slow;
  const share = { share: 1, epoch: 2, perSecond };
  const cells = toBlockCells([
    ...requests({ seconds: 60, perSecond: 2 * perSecond, seed: seed + 1 }),
    ...requests({ ...share, seconds: 30, seed: seed + 2, from: 1_060 }),
    ...requests({ ...share, seconds, factor, seed: seed + 3, from: 1_090 }),
    ...requests({ ...share, seconds: 60, seed: seed + 4, from: 1_090 + seconds }),
  ]);
  const plan = planOf({ watchAfter: { duration } });
  const intents = [
    { epoch: 1, variantWeight: 50, at: toRfc3339(999_000) },
    { epoch: 2, variantWeight: 100, at: toRfc3339(1_060_000) },
  ];
  const input = { ...inputOf(cells, { intents, plan }), verdictAt: 1_060_000 };
  return (second: number) => {
    const now = (1_060 + second) * 1_000;
    return watch({ ...input, watermark: now, now }).outcome;
  };
}

const anySeed = fc.integer({ min: 1, max: 1e6 });

test('a hiccup of up to seven seconds does not roll back, however slow it is', (t) => {
  const hiccup = fc.record({
    seed: anySeed,
    perSecond: fc.constantFrom(20, 100),
    factor: fc.double({ min: 1.2, max: 500, noNaN: true }),
    seconds: fc.integer({ min: 1, max: 7 }),
  });
  fc.assert(
    fc.property(hiccup, (slow) => {
      const at = outcomes(slow);
      for (let second = 31; second <= 60; second += 1) t.not(at(second), 'FAIL', `${second}`);
      t.is(at(Math.max(60, 30 + slow.seconds + 10)), 'PASS');
    }),
    { numRuns: 20 },
  );
});

test('a version that stays twice as slow is rolled back within twelve seconds, and never passes', (t) => {
  const regression = fc.record({
    seed: anySeed,
    perSecond: fc.constantFrom(20, 100),
    factor: fc.double({ min: 2, max: 500, noNaN: true }),
    seconds: fc.constant(60),
  });
  fc.assert(
    fc.property(regression, (slow) => {
      const at = outcomes(slow);
      t.is(at(37), 'CONTINUE');
      t.is(at(42), 'FAIL');
    }),
    { numRuns: 20 },
  );
});

test('a watch does not pass while its version is slow, though its duration is over', (t) => {
  const slow = { seed: 1, perSecond: 100, factor: 3, duration: '30s' };
  const lasting = outcomes({ ...slow, seconds: 60 });
  t.is(lasting(34), 'CONTINUE');
  t.is(lasting(38), 'FAIL');
  const passing = outcomes({ ...slow, seconds: 4 });
  t.is(passing(34), 'CONTINUE');
  t.is(passing(50), 'PASS');
});

test('evidence that stops while a version is slow ends as all evidence that stops', (t) => {
  const slow = { factor: 3, seed: 4, share: 1, epoch: 2, seconds: 3, from: 1_030 };
  const good = { ...slow, factor: 1, seconds: 10, from: 1_020 };
  const seen = [{ seconds: 20 }, good, slow].flatMap((shape) => requests(shape));
  const intents = [
    { epoch: 1, variantWeight: 50, at: toRfc3339(999_000) },
    { epoch: 2, variantWeight: 100, at: toRfc3339(1_020_000) },
  ];
  const given = { ...inputOf(toBlockCells(seen), { intents }), verdictAt: 1_020_000 };
  t.is(watch(given).outcome, 'CONTINUE');
  t.is(watch({ ...given, now: 1_020_000 + 60_000 + 120_000 }).outcome, 'INCONCLUSIVE');
});
