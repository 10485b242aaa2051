/**
 * Robbins' normal mixture: a boundary that a martingale with intrinsic variance V crosses at any
 * time at all with probability at most α (Howard et al., arXiv 1810.08240, eq. 14; Robbins 1970).
 */

/**
 * The ρ that makes the boundary (nearly) the tightest at variance `vOpt`, in the closed form of
 * `confseq`: 12.60056 at vOpt = 100 and α = 0.05.
 */
export function mixtureRho(vOpt: number, alpha: number): number {
  return vOpt / tuningConstant(alpha);
}

/** 2·ln(1/α) + ln(1 + 2·ln(1/α)): V_opt over ρ. */
export function tuningConstant(alpha: number): number {
  const twice = 2 * Math.log(1 / alpha);
  return twice + Math.log1p(twice);
}

/** Two-sided bound on |S| at intrinsic variance `v`, valid at all times together. */
export function mixtureBound(v: number, rho: number, alpha: number): number {
  return Math.sqrt((v + rho) * Math.log((v + rho) / (rho * alpha * alpha)));
}

/** ln of the mixture martingale at sum `s`; a level-α test rejects at ln(1/α). */
export function mixtureLogMartingale(s: number, v: number, rho: number): number {
  return 0.5 * Math.log(rho / (rho + v)) + (s * s) / (2 * (rho + v));
}
