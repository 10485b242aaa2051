import test from 'ava';
import fc from 'fast-check';
import {
  mixtureBound,
  mixtureLogMartingale,
  mixtureRho,
} from '../../../../functions/lib/statistics/normal-mixture.ts';
import {
  priorAround,
  proportionInterval,
  proportionLogMartingale,
} from '../../../../functions/lib/statistics/proportion.ts';
import {
  rateRatioInterval,
  rateRatioLogMartingale,
} from '../../../../functions/lib/statistics/rate-ratio.ts';
import { sampleRatioLogBayesFactor } from '../../../../functions/lib/statistics/sample-ratio.ts';
import {
  crossing,
  logBeta,
  logGamma,
  softplus,
} from '../../../../functions/lib/statistics/special-functions.ts';
import { createRandom } from '../../evaluate/helpers/random.ts';

const near = (actual: number, expected: number, tolerance = 1e-10): boolean =>
  Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected));

test('log gamma agrees with factorials, halves and its recurrence', (t) => {
  let factorial = 1;
  for (let n = 1; n <= 20; n += 1) {
    t.true(near(logGamma(n + 1), Math.log((factorial *= n))), `${n}!`);
  }
  t.true(near(logGamma(0.5), Math.log(Math.PI) / 2));
  // Abramowitz and Stegun, table 6.4: ln Γ(1.25) and, from Stirling, ln Γ(1000).
  t.true(near(logGamma(1.25), -0.098_271_836_421_813));
  t.true(near(logGamma(1_000), 5_905.220_423_209_181));
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (x) =>
      near(logGamma(x + 1), logGamma(x) + Math.log(x), 1e-9),
    ),
  );
});

test('log beta and softplus agree with closed forms', (t) => {
  t.true(near(logBeta(2, 3), Math.log(1 / 12)));
  t.true(near(logBeta(0.5, 0.5), Math.log(Math.PI)));
  t.is(softplus(1_000), 1_000);
  t.true(near(softplus(0), Math.LN2));
  t.is(softplus(-1_000), 0);
});

test('crossing finds where an increasing function meets zero', (t) => {
  t.true(
    near(
      crossing((x) => x * x - 2, 0, 2),
      Math.SQRT2,
      1e-15,
    ),
  );
  t.is(
    crossing((x) => x + 1, 0, 2),
    0,
  );
  t.is(
    crossing((x) => x - 3, 0, 2),
    2,
  );
});

test('the mixture is tuned by the published closed form', (t) => {
  t.is(mixtureRho(100, 0.05).toFixed(5), '12.60056');
});

test('the mixture bound is where its martingale reaches 1/α', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-6, max: 0.2, noNaN: true }),
      (v, rho, alpha) =>
        near(mixtureLogMartingale(mixtureBound(v, rho, alpha), v, rho), Math.log(1 / alpha), 1e-9),
    ),
  );
  t.pass();
});

test('the tuned bound at its variance is within 2 % of the best that any tuning gives', (t) => {
  const tuned = mixtureBound(1_000, mixtureRho(1_000, 0.01), 0.01);
  for (let factor = 0.1; factor < 10; factor *= 1.1) {
    t.true(tuned <= 1.02 * mixtureBound(1_000, mixtureRho(1_000 * factor, 0.01), 0.01));
  }
});

test('the sample-ratio Bayes factor agrees with a product of Pólya draws', (t) => {
  // Sequential definition: each unit multiplies by its predictive over its planned chance.
  const shares = [0.3, 0.7];
  const counts = [0, 0];
  let log = 0;
  for (const arm of [0, 1, 1, 0, 1, 1, 1, 0, 0, 0]) {
    const seen = (counts[0] ?? 0) + (counts[1] ?? 0);
    const share = shares[arm] ?? 0;
    log += Math.log((100 * share + (counts[arm] ?? 0)) / (100 + seen) / share);
    counts[arm] = (counts[arm] ?? 0) + 1;
  }
  t.true(near(sampleRatioLogBayesFactor(counts, shares), log));
  t.true(sampleRatioLogBayesFactor([5_000, 5_000], [0.5, 0.5]) < 0);
  t.true(sampleRatioLogBayesFactor([4_500, 5_500], [0.5, 0.5]) > Math.log(1_000));
});

test('the sample-ratio gate seldom alarms on an honest split and always finds a leak', (t) => {
  const random = createRandom(7);
  const alarmed = (share: number): boolean => {
    const counts = [0, 0];
    for (let unit = 1; unit <= 20_000; unit += 1) {
      const arm = random() < share ? 1 : 0;
      counts[arm] = (counts[arm] ?? 0) + 1;
      if (unit % 200 !== 0) continue;
      if (sampleRatioLogBayesFactor(counts, [0.5, 0.5]) >= Math.log(1_000)) return true;
    }
    return false;
  };
  const runs = Array.from({ length: 200 });
  t.true(runs.filter(() => alarmed(0.5)).length <= 2);
  t.true(runs.slice(0, 50).every(() => alarmed(0.54)));
});

test('a proportion lies between its bounds, which meet the martingale', (t) => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.nat(5_000), (hits, misses) => {
      const { low, high } = proportionInterval(hits, misses, 0.01);
      const mean = hits + misses === 0 ? 0.5 : hits / (hits + misses);
      const meets = (bound: number): boolean =>
        near(proportionLogMartingale(hits, misses, bound, { a: 0.5, b: 0.5 }), Math.log(100), 1e-6);
      return (
        low <= mean &&
        mean <= high &&
        (hits === 0 ? low === 0 : meets(low)) &&
        (misses === 0 ? high === 1 : meets(high))
      );
    }),
  );
  t.pass();
});

test('without an error the upper bound has its closed form', (t) => {
  // B(a, b+n)/B(a, b) · (1−u)^(−n) = 1/α.
  const prior = priorAround(0.01);
  const n = 1_000;
  const constant = logBeta(prior.a, prior.b + n) - logBeta(prior.a, prior.b);
  const expected = -Math.expm1((constant - Math.log(100)) / n);
  const { low, high } = proportionInterval(0, n, 0.01, prior);
  t.is(low, 0);
  t.true(near(high, expected, 1e-9));
  t.true(high < 0.01);
});

test('a proportion sequence covers the truth at every one of 2,000 looks', (t) => {
  const random = createRandom(11);
  let missed = 0;
  for (let run = 0; run < 400; run += 1) {
    let hits = 0;
    for (let n = 1; n <= 2_000; n += 1) {
      if (random() < 0.03) hits += 1;
      const log = proportionLogMartingale(hits, n - hits, 0.03, { a: 0.5, b: 0.5 });
      if (log >= Math.log(1 / 0.05)) {
        missed += 1;
        break;
      }
    }
  }
  t.true(missed <= 20 + 3 * Math.sqrt(20));
});

test('the rate ratio is found whatever the split, and strata add up', (t) => {
  const one = rateRatioInterval([{ p: 0.5, control: 100, variant: 300 }], 0.01);
  t.true(near(one.estimate, 3, 1e-9));
  const skewed = rateRatioInterval([{ p: 0.1, control: 900, variant: 300 }], 0.01);
  t.true(near(skewed.estimate, 3, 1e-9));
  const both = rateRatioInterval(
    [
      { p: 0.5, control: 100, variant: 300 },
      { p: 0.1, control: 900, variant: 300 },
    ],
    0.01,
  );
  t.true(near(both.estimate, 3, 1e-9));
  t.true(both.low > one.low && both.high < one.high);
});

test('the bounds of a rate ratio meet its martingale', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (control, variant, p) => {
        const counts = [{ p, control, variant }];
        const { estimate, low, high } = rateRatioInterval(counts, 0.01);
        const meets = (bound: number): boolean =>
          near(rateRatioLogMartingale(counts, Math.log(bound)), Math.log(100), 1e-6);
        const limits = low <= 1.1e-6 || meets(low);
        return low <= estimate && estimate <= high && limits && (high >= 9e5 || meets(high));
      },
    ),
  );
  t.pass();
});

test('without events a rate ratio is unbounded, and with one arm silent it is on one side', (t) => {
  t.deepEqual(rateRatioInterval([{ p: 0.5, control: 0, variant: 0 }], 0.01), {
    estimate: 1,
    low: 1e-6,
    high: 1e6,
  });
  const silent = rateRatioInterval([{ p: 0.5, control: 0, variant: 30 }], 0.01);
  t.true(silent.low > 2);
  t.true(near(silent.high, 1e6));
});
