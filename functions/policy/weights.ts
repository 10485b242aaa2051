/** Shares of a run's variant are exact to a ten-thousandth of a percent: this many parts are the whole. */
export const wholeParts = 1_000_000n;

/** Istio's weights are signed numbers of 32 bits, and Envoy refuses a sum that needs more than 32. */
const maximumSum = 2n ** 31n - 1n;

/** Parts of {@link wholeParts} in a percentage; what is outside 0 to 100 counts as the nearer bound. */
export function partsOf(percent: number): bigint {
  return BigInt(Math.round(Math.min(100, Math.max(0, percent)) * 10_000));
}

/**
 * The smallest integers in the same proportions. Exact unless their sum would pass 2^31 − 1; then
 * each is rounded down to a grid of that many steps (an error below 1 in 10^9), but never to 0.
 */
export function smallestWeights(weights: readonly bigint[]): number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0n);
  if (divisor === 0n) return weights.map(() => 0);
  const reduced = weights.map((weight) => weight / divisor);
  const sum = reduced.reduce((total, weight) => total + weight, 0n);
  if (sum <= maximumSum) return reduced.map(Number);
  // The grid leaves room for the parts that are lifted to 1.
  const grid = maximumSum - BigInt(weights.length);
  return reduced.map((weight) => {
    const scaled = (weight * grid) / sum;
    return Number(weight > 0n && scaled === 0n ? 1n : scaled);
  });
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let [a, b] = [left, right];
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
