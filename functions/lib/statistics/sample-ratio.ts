import { logGamma } from './special-functions.ts';

/** Concentration of the prior around the planned shares: how small a deviation is looked for. */
export const sampleRatioConcentration = 100;

/**
 * ln of the Bayes factor of the sequential multinomial test (Lindon and Malek, NeurIPS 2022,
 * arXiv 2011.03567, eq. 5) against the planned shares; a level-u test alarms at ln(1/u), at any time.
 *
 * @param counts Units per arm.
 * @param shares Planned shares, in the same order, each > 0, of sum 1.
 */
export function sampleRatioLogBayesFactor(
  counts: readonly number[],
  shares: readonly number[],
  concentration: number = sampleRatioConcentration,
): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let log = logGamma(concentration) - logGamma(concentration + total);
  for (const [index, count] of counts.entries()) {
    const share = shares[index] ?? 0;
    log += logGamma(concentration * share + count) - logGamma(concentration * share);
    log -= count * Math.log(share);
  }
  return log;
}
