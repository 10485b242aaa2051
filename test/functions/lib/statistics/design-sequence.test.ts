import test from 'ava';
import fc from 'fast-check';
import {
  designInterval,
  designRho,
  designTotals,
  type DesignBlock,
  type Moments,
} from '../../../../functions/lib/statistics/design-sequence.ts';
import { mixtureBound } from '../../../../functions/lib/statistics/normal-mixture.ts';
import { createNormal, createRandom } from '../../evaluate/helpers/random.ts';

const momentsOf = (values: readonly number[]): Moments => ({
  n: values.length,
  sum: values.reduce((sum, value) => sum + value, 0),
  sumSq: values.reduce((sum, value) => sum + value * value, 0),
});

const blockOf = (
  p: number,
  control: readonly number[],
  variant: readonly number[],
  judged = true,
): DesignBlock => ({
  cells: [{ p, control: momentsOf(control), variant: momentsOf(variant) }],
  missing: [],
  judged,
});

const near = (actual: number, expected: number): boolean =>
  Math.abs(actual - expected) <= 1e-8 * Math.max(1, Math.abs(expected));

test('block sums give what the formula gives unit by unit', (t) => {
  const outcomes = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { maxLength: 8 });
  const block = fc.tuple(fc.double({ min: 0.05, max: 0.95, noNaN: true }), outcomes, outcomes);
  fc.assert(
    fc.property(fc.array(block, { maxLength: 6 }), (blocks) => {
      let [sum, variance] = [0, 0];
      // The baseline by its definition: weights e^(−units since / 100), per arm, each mean times
      // the other's chance.
      for (const [index, [p, control, variant]] of blocks.entries()) {
        const mean = (arm: 1 | 2): number | undefined => {
          let [total, weight, since] = [0, 0, 0];
          for (const past of blocks.slice(0, index).toReversed()) {
            total += Math.exp(-since / 100) * momentsOf(past[arm]).sum;
            weight += Math.exp(-since / 100) * past[arm].length;
            since += past[1].length + past[2].length;
          }
          return weight === 0 ? undefined : total / weight;
        };
        const [was, is] = [mean(1), mean(2)];
        const m = (1 - p) * (is ?? was ?? 0) + p * (was ?? is ?? 0);
        for (const y of variant) {
          sum += (y - m) / p;
          variance += ((y - m) / p) ** 2;
        }
        for (const y of control) {
          sum -= (y - m) / (1 - p);
          variance += ((y - m) / (1 - p)) ** 2;
        }
      }
      const totals = designTotals(
        blocks.map(([p, control, variant]) => blockOf(p, control, variant)),
      );
      return near(totals.sum, sum) && near(totals.variance, variance);
    }),
  );
  t.pass();
});

test('a block that is not judged trains the baseline and counts for nothing else', (t) => {
  const trained = designTotals([blockOf(0.5, [3, 3], [3, 3], false), blockOf(0.5, [3], [3])]);
  t.is(trained.units, 2);
  t.is(trained.sum, 0);
  t.is(trained.variance, 0);
});

test('the bounds that survive missing units hold whatever the units were', (t) => {
  const unit = fc.record({
    toVariant: fc.boolean(),
    y: fc.double({ min: -2, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(unit, { minLength: 4, maxLength: 40 }), fc.nat(3), (units, lost) => {
      const past = blockOf(0.5, [0.1], [-0.1], false);
      const split = (some: typeof units): DesignBlock =>
        blockOf(
          0.5,
          some.filter((each) => !each.toVariant).map(({ y }) => y),
          some.filter((each) => each.toVariant).map(({ y }) => y),
        );
      const seen = units.slice(lost);
      const partial = { ...split(seen), missing: [{ n: lost, low: -2, high: 2 }] };
      const bounds = designInterval(designTotals([past, partial]), 1, 0.01);
      const truth = designInterval(designTotals([past, split(units)]), 1, 0.01);
      if (bounds === undefined || truth === undefined) return false;
      return bounds.lowest <= truth.low + 1e-9 && truth.high - 1e-9 <= bounds.highest;
    }),
  );
  t.pass();
});

test('ρ makes the half-width meet the margin near the sample that it is tuned for', (t) => {
  const margin = Math.log(1.1);
  const perUnit = 0.5 ** 2 / 0.25;
  const rho = designRho(0.5, 0.5, margin);
  let units = 1;
  while (mixtureBound(units * perUnit, rho, 0.01) / units > margin) units += 1;
  t.true(units > 1_100 && units < 1_500, `${units}`);
});

/** Plays blocks of ten units until the interval leaves the margin, or to the end. */
function play(
  seed: number,
  blocks: number,
  margin: number,
  draw: (
    block: number,
    normal: () => number,
  ) => { p: number; control: number; effect: number; sd: number },
): 'PASS' | 'FAIL' | undefined {
  const random = createRandom(seed);
  const normal = createNormal(random);
  const history: DesignBlock[] = [];
  const rho = designRho(0.5, 0.5, Math.log(1.05));
  let verdict: 'PASS' | 'FAIL' | undefined;
  for (let block = 0; block < blocks && verdict === undefined; block += 1) {
    const { p, control, effect, sd } = draw(block, normal);
    const arms: [number[], number[]] = [[], []];
    for (let unit = 0; unit < 40; unit += 1) {
      const variant = random() < p;
      arms[variant ? 1 : 0].push(control + sd * normal() + (variant ? effect : 0));
    }
    history.push(blockOf(p, ...arms, block > 0));
    if (block < 5) continue;
    const interval = designInterval(designTotals(history), rho, 0.01);
    if (interval === undefined) continue;
    if (interval.low > Math.log1p(margin)) verdict = 'FAIL';
    else if (interval.high <= Math.log1p(margin)) verdict = 'PASS';
  }
  return verdict;
}

const seeds = Array.from({ length: 150 }, (_, seed) => seed + 1);

const share = (verdicts: readonly unknown[], wanted: unknown): number =>
  verdicts.filter((verdict) => verdict === wanted).length / verdicts.length;

test('equal versions at margin 0 seldom fail, under shocks that last (AR(1))', (t) => {
  const verdicts = seeds.map((seed) => {
    let shock = 0;
    return play(seed, 100, 0, (_, normal) => {
      shock = 0.9 * shock + 0.5 * normal();
      return { p: 0.5, control: shock, effect: 0, sd: 0.5 };
    });
  });
  t.true(share(verdicts, 'FAIL') <= 0.03);
});

test('equal versions at margin 0 seldom fail while weights ramp and the service slows', (t) => {
  const verdicts = seeds.map((seed) =>
    play(seed, 100, 0, (block) => ({
      p: 0.05 + 0.45 * (block / 100),
      control: 0.2 * (block / 100),
      effect: 0,
      sd: 0.5,
    })),
  );
  t.true(share(verdicts, 'FAIL') <= 0.03);
});

test('a slow-down of a quarter fails at a margin of 5 %', (t) => {
  const verdicts = seeds.map((seed) =>
    play(seed, 100, 0.05, () => ({ p: 0.5, control: 0, effect: Math.log(1.25), sd: 0.5 })),
  );
  t.true(share(verdicts, 'FAIL') >= 0.98);
});

test('exactly at the margin neither verdict is likely', (t) => {
  const verdicts = seeds.map((seed) =>
    play(seed, 120, 0.05, () => ({ p: 0.5, control: 0, effect: Math.log(1.05), sd: 0.5 })),
  );
  t.true(share(verdicts, undefined) >= 0.96);
});
