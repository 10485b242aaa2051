import { mean, sum } from './mean.ts';

/** So many means of samples in a row: neighbours among samples are alike, and would make the bounds too narrow. */
const blocks = 20;
/** Student's t with 18 degrees of freedom, 97.5 %. */
const t = 2.101;

/** A point of a series. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** A slope by least squares, and the bounds that hold it with 95 %. */
export interface Slope {
  readonly slope: number;
  readonly from: number;
  readonly to: number;
}

/**
 * How a series goes up, per unit of `at`: least squares through the means of twenty parts of it.
 *
 * @throws RangeError for fewer samples than parts.
 */
export function slopeOf(samples: readonly Sample[]): Slope {
  if (samples.length < blocks) throw new RangeError(`fewer than ${blocks} samples`);
  const points = Array.from({ length: blocks }, (_one, block) => {
    const edge = (at: number): number => Math.floor((at * samples.length) / blocks);
    const part = samples.slice(edge(block), edge(block + 1));
    return { at: mean(part.map(({ at }) => at)), value: mean(part.map(({ value }) => value)) };
  });
  const centre = {
    at: mean(points.map(({ at }) => at)),
    value: mean(points.map((one) => one.value)),
  };
  const spread = sum(points.map(({ at }) => (at - centre.at) ** 2));
  const slope =
    sum(points.map(({ at, value }) => (at - centre.at) * (value - centre.value))) / spread;
  const residuals = points.map(({ at, value }) => value - centre.value - slope * (at - centre.at));
  const error = Math.sqrt(sum(residuals.map((one) => one ** 2)) / (blocks - 2) / spread);
  return { slope, from: slope - t * error, to: slope + t * error };
}
