/** Lanczos coefficients for g = 7, n = 9 (P. Godfrey, 2001): relative error below 1e-14. */
const lanczos = [
  0.999_999_999_999_809_93, 676.520_368_121_885_1, -1_259.139_216_722_402_8, 771.323_428_777_653_13,
  -176.615_029_162_140_6, 12.507_343_278_686_905, -0.138_571_095_265_720_12,
  9.984_369_578_019_572e-6, 1.505_632_735_149_311_6e-7,
];

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  // Reflection keeps the series accurate near 0.
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  let series = lanczos[0] ?? 0;
  for (const [index, coefficient] of lanczos.entries()) {
    if (index > 0) series += coefficient / (z + index);
  }
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(series);
}

/** ln B(a, b) for a, b > 0. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** ln(1 + eˣ) without overflow. */
export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/**
 * Where an increasing function crosses zero between `low` and `high`, to the last bit or nearly;
 * an end of the interval when it does not cross.
 */
export function crossing(increasing: (x: number) => number, low: number, high: number): number {
  let below = low;
  let above = high;
  if (increasing(below) >= 0) return below;
  if (increasing(above) <= 0) return above;
  for (let step = 0; step < 100; step += 1) {
    const middle = below + (above - below) / 2;
    if (increasing(middle) < 0) below = middle;
    else above = middle;
  }
  return above;
}
