/*
 * Values computed by SciPy 1.17.1: the normal mixture by quadrature of exp(λS − λ²V/2) over
 * λ ~ N(0, 1/ρ) and a root in S; beta-binomial bounds and rate ratios by brentq on
 * betaln, which quadrature over the Beta prior confirmed; ln Γ by gammaln.
 */
import test from 'ava';
import {
  mixtureBound,
  mixtureLogMartingale,
  mixtureRho,
} from '../../../../functions/lib/statistics/normal-mixture.ts';
import {
  priorAround,
  proportionInterval,
} from '../../../../functions/lib/statistics/proportion.ts';
import { rateRatioInterval } from '../../../../functions/lib/statistics/rate-ratio.ts';
import { sampleRatioLogBayesFactor } from '../../../../functions/lib/statistics/sample-ratio.ts';
import { logGamma } from '../../../../functions/lib/statistics/special-functions.ts';

const near = (actual: number, expected: number, tolerance = 1e-9): boolean =>
  Math.abs(actual - expected) <= tolerance * Math.max(1e-3, Math.abs(expected));

test('the normal mixture agrees with its integral', (t) => {
  t.true(near(mixtureLogMartingale(30, 250, 12.60056), 0.195_182_828_914_895_36));
  t.true(near(mixtureLogMartingale(5, 40, 100), -0.078_950_404_024_892_15));
  t.true(near(mixtureBound(100, mixtureRho(100, 0.05), 0.05), 30.352_089_887_675_234, 1e-7));
});

test('beta-binomial bounds agree', (t) => {
  for (const [hits, misses, alpha, prior, low, high] of [
    [3, 997, 0.01, priorAround(0.01), 0.000_160_679_896_244_683_93, 0.013_375_687_783_954_803],
    [50, 950, 0.01, { a: 0.5, b: 0.5 }, 0.026_770_816_875_896_216, 0.083_091_927_473_963_21],
    [12, 88, 0.05, { a: 0.5, b: 0.5 }, 0.039_987_810_417_182_1, 0.253_854_605_859_537_1],
  ] as const) {
    const found = proportionInterval(hits, misses, alpha, prior);
    t.true(near(found.low, low) && near(found.high, high), `${found.low} ${found.high}`);
  }
});

test('rate ratios agree, of one split and of two', (t) => {
  const one = rateRatioInterval([{ p: 0.5, control: 20, variant: 45 }], 0.01);
  t.true(near(one.estimate, 2.25) && near(one.low, 0.864_706_986_934_215_9));
  t.true(near(one.high, 6.676_063_018_786_913));
  const two = rateRatioInterval(
    [
      { p: 0.1, control: 90, variant: 30 },
      { p: 0.5, control: 10, variant: 25 },
    ],
    0.01,
  );
  t.true(near(two.low, 1.248_459_925_938_561_1) && near(two.high, 6.228_475_617_890_913));
});

test('the sample-ratio Bayes factor and ln Γ agree', (t) => {
  t.true(near(sampleRatioLogBayesFactor([450, 550], [0.5, 0.5]), 3.354_667_896_323_24, 1e-7));
  for (const [x, expected] of [
    [1e-3, 6.907_178_885_383_853],
    [0.25, 1.288_022_524_698_077_4],
    [7.3, 7.147_892_523_022_249],
    [123.456, 469.605_547_129_929_5],
    [1e6, 12_815_504.569_147_611],
    [1e9, 19_723_265_827.503_716],
  ] as const) {
    t.true(near(logGamma(x), expected, 1e-12), `${x}`);
  }
});
