import type { Effect } from '../../knative/resources/experiment.ts';

/** Where no evidence bounds an interval, the judge clamps it just below a million-fold. */
const unboundedRatio = 999_998;

/** An effect with its interval: `latency +3.1 % [-1.0 %, +5.2 %]`, `latency ×349 [×80, ×1517]`. */
export function effectText({ metric, estimate, low, high }: Effect): string {
  return `${metric} ${riseText(estimate)} [${riseText(low)}, ${riseText(high)}]`;
}

/** A rise, a ratio minus one, for people: in percent, from tenfold on as a factor. */
export function riseText(rise: number): string {
  if (rise >= unboundedRatio) return 'unbounded';
  if (rise >= 9) return `×${(1 + rise).toFixed(0)}`;
  return `${rise < 0 ? '-' : '+'}${Math.abs(100 * rise).toFixed(1)} %`;
}
