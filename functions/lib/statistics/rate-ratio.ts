import type { Interval } from './proportion.ts';
import { crossing, logBeta, softplus } from './special-functions.ts';

/** Events of both arms while the variant was drawn with probability `p`. */
export interface EventCounts {
  /** In (0, 1). */
  readonly p: number;
  readonly control: number;
  readonly variant: number;
}

/** Estimate and interval of the variant's rate over the control's. */
export interface RateRatio extends Interval {
  readonly estimate: number;
}

/** Ratios beyond these bounds are reported as the bound. */
export const ratioLimit = 1e6;

/**
 * ln of the martingale for the hypothesis that the variant's event rate is `exp(logRatio)` times
 * the control's. Given an event, its arm is Bernoulli(θ) with θ/(1−θ) = ratio·p/(1−p) however the
 * load moves (Lindon and Malek, arXiv 2011.03567, §4); each p has its own Beta mixture, and the
 * product of martingales over disjoint times is one.
 */
export function rateRatioLogMartingale(counts: readonly EventCounts[], logRatio: number): number {
  let total = 0;
  for (const { p, control, variant } of counts) {
    const odds = logRatio + Math.log(p / (1 - p));
    total += logBeta(0.5 + variant, 0.5 + control) - logBeta(0.5, 0.5);
    total += (variant + control) * softplus(odds) - variant * odds;
  }
  return total;
}

/** The ratios not rejected at level α, valid at all times together, within [1/10⁶, 10⁶]. */
export function rateRatioInterval(counts: readonly EventCounts[], alpha: number): RateRatio {
  const end = Math.log(ratioLimit);
  const events = counts.filter((each) => each.control + each.variant > 0);
  if (events.length === 0) return { estimate: 1, low: 1 / ratioLimit, high: ratioLimit };
  const slope = (logRatio: number): number => {
    let total = 0;
    for (const { p, control, variant } of events) {
      const odds = logRatio + Math.log(p / (1 - p));
      total += (variant + control) / (1 + Math.exp(-odds)) - variant;
    }
    return total;
  };
  const best = crossing(slope, -end, end);
  const excess = (logRatio: number): number =>
    rateRatioLogMartingale(events, logRatio) - Math.log(1 / alpha);
  return {
    estimate: Math.exp(best),
    low: Math.exp(crossing((x) => -excess(x), -end, best)),
    high: Math.exp(crossing(excess, best, end)),
  };
}
