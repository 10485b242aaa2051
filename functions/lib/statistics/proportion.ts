import { crossing, logBeta } from './special-functions.ts';

/** An interval of ratios. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Parameters of a Beta distribution, both > 0. */
export interface BetaPrior {
  readonly a: number;
  readonly b: number;
}

/** Jeffreys' prior. */
export const jeffreys: BetaPrior = { a: 0.5, b: 0.5 };

/** A prior that makes the sequence tight for ratios near `mean`, in (0, 1). */
export function priorAround(mean: number): BetaPrior {
  return { a: 0.5, b: (0.5 * (1 - mean)) / mean };
}

/**
 * ln of the beta-binomial mixture martingale for the hypothesis that each of `hits + misses`
 * trials hits with chance `theta` (Robbins 1970; Howard et al., arXiv 1810.08240, §3.3).
 */
export function proportionLogMartingale(
  hits: number,
  misses: number,
  theta: number,
  prior: BetaPrior,
): number {
  const evidence = logBeta(prior.a + hits, prior.b + misses) - logBeta(prior.a, prior.b);
  const hitTerm = hits === 0 ? 0 : hits * Math.log(theta);
  const missTerm = misses === 0 ? 0 : misses * Math.log1p(-theta);
  return evidence - hitTerm - missTerm;
}

/** The ratios that the martingale has not rejected: a 1 − α interval, valid at all times together. */
export function proportionInterval(
  hits: number,
  misses: number,
  alpha: number,
  prior: BetaPrior = jeffreys,
): Interval {
  const limit = Math.log(1 / alpha);
  const mean = hits + misses === 0 ? 0.5 : hits / (hits + misses);
  const excess = (theta: number): number =>
    proportionLogMartingale(hits, misses, theta, prior) - limit;
  return {
    low: hits === 0 ? 0 : crossing((theta) => -excess(theta), 0, mean),
    high: misses === 0 ? 1 : crossing(excess, mean, 1),
  };
}
