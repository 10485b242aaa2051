/** The sum; 0 of nothing. */
export const sum = (values: readonly number[]): number =>
  values.reduce((total, one) => total + one, 0);

/** The arithmetic mean; 0 of nothing. */
export const mean = (values: readonly number[]): number => sum(values) / Math.max(1, values.length);
