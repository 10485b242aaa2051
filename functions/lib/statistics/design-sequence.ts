import { mixtureBound } from './normal-mixture.ts';

/** Count, Σ and Σ² of one arm's outcomes. */
export interface Moments {
  readonly n: number;
  readonly sum: number;
  readonly sumSq: number;
}

/** The units of one block that were drawn with one probability. */
export interface DesignCell {
  /** Chance that a unit was given the variant, in (0, 1). */
  readonly p: number;
  readonly control: Moments;
  readonly variant: Moments;
}

/** Units whose arm is not known, with bounds on their outcomes. */
export interface MissingUnits {
  readonly n: number;
  readonly low: number;
  readonly high: number;
}

/** All units that started in one span of time; blocks come in the order of time. */
export interface DesignBlock {
  readonly cells: readonly DesignCell[];
  readonly missing: readonly MissingUnits[];
  /** Past that only trains the baseline. */
  readonly judged: boolean;
}

/** State of the martingale, with what the missing units could add to it at most and at least. */
export interface DesignTotals {
  readonly units: number;
  /** Σ of X, and of v. */
  readonly sum: number;
  readonly variance: number;
  readonly missing: number;
  readonly missingMost: number;
  readonly missingLeast: number;
  readonly missingVariance: number;
}

/** An interval on variant minus control; `lowest` and `highest` survive every filling of the missing. */
export interface DesignInterval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Units after which a baseline has forgotten all but 1/e. Enough for a mean that adds 1 % to v, and
 * at hundreds of units a second short enough to follow a busy machine from second to second.
 */
const memoryUnits = 100;

/**
 * The design-based martingale over blocks (arXiv 2210.08639): for a unit with outcome Y, drawn
 * into the variant (Z = 1) with probability p, and a baseline m that knows the past only,
 * X = Z(Y−m)/p − (1−Z)(Y−m)/(1−p) has the unit's effect as its mean, whatever the trend or the
 * dependence of Y; v = Z((Y−m)/p)² + (1−Z)((Y−m)/(1−p))². Per block it needs counts, ΣY and ΣY².
 */
export function designTotals(blocks: readonly DesignBlock[]): DesignTotals {
  let [units, sum, variance] = [0, 0, 0];
  let [missing, missingMost, missingLeast, missingVariance] = [0, 0, 0, 0];
  let past: Past = { control: none, variant: none };
  for (const block of blocks) {
    if (block.judged) {
      for (const cell of block.cells) {
        const m = baseline(past, cell);
        units += cell.control.n + cell.variant.n;
        sum += (cell.variant.sum - cell.variant.n * m) / cell.p;
        sum -= (cell.control.sum - cell.control.n * m) / (1 - cell.p);
        variance += squares(cell.variant, m) / cell.p ** 2;
        variance += squares(cell.control, m) / (1 - cell.p) ** 2;
      }
      for (const group of block.missing) {
        // Unknown arm, unknown outcome between bounds: the extremes are at the corners.
        const corners = block.cells.flatMap((cell) => {
          const m = baseline(past, cell);
          return [group.low - m, group.high - m].flatMap((d) => [d / cell.p, -d / (1 - cell.p)]);
        });
        if (corners.length === 0) continue;
        const most = Math.max(...corners);
        const least = Math.min(...corners);
        missing += group.n;
        missingMost += group.n * most;
        missingLeast += group.n * least;
        missingVariance += group.n * Math.max(most ** 2, least ** 2);
      }
    }
    past = remember(past, block.cells);
  }
  return { units, sum, variance, missing, missingMost, missingLeast, missingVariance };
}

/** The two-sided interval at level 1 − α, valid at all times together; undefined without units. */
export function designInterval(
  totals: DesignTotals,
  rho: number,
  alpha: number,
): DesignInterval | undefined {
  const { units, sum, variance, missing } = totals;
  if (units === 0) return undefined;
  const bound = mixtureBound(variance, rho, alpha);
  const widest = mixtureBound(variance + totals.missingVariance, rho, alpha);
  const all = units + missing;
  return {
    estimate: sum / units,
    low: (sum - bound) / units,
    high: (sum + bound) / units,
    lowest: Math.min((sum - bound) / units, (sum + totals.missingLeast - widest) / all),
    highest: Math.max((sum + bound) / units, (sum + totals.missingMost + widest) / all),
  };
}

/**
 * ρ for a decision about the distance `margin` (log scale, > 0) between outcomes of standard
 * deviation `sd`: a unit then adds v̄ = sd²/(p(1−p)) to V, the half-width reaches the margin near
 * V = tuning·v̄²/margin², and so ρ = v̄²/margin². A wrong guess costs width, never validity.
 */
export function designRho(sd: number, p: number, margin: number): number {
  const perUnit = sd ** 2 / (p * (1 - p));
  return (perUnit / margin) ** 2;
}

interface Past {
  readonly control: Moments;
  readonly variant: Moments;
}

const none: Moments = { n: 0, sum: 0, sumSq: 0 };

const squares = (arm: Moments, m: number): number =>
  Math.max(0, arm.sumSq - 2 * m * arm.sum + arm.n * m * m);

/** The m that makes v the smallest: each arm's past mean, weighted by the other arm's chance. */
function baseline(past: Past, cell: DesignCell): number {
  const { control, variant } = past;
  if (control.n === 0 && variant.n === 0) return 0;
  if (control.n === 0) return variant.sum / variant.n;
  if (variant.n === 0) return control.sum / control.n;
  return (1 - cell.p) * (variant.sum / variant.n) + cell.p * (control.sum / control.n);
}

function fade(old: Moments, arms: readonly Moments[], kept: number): Moments {
  return {
    n: arms.reduce((total, arm) => total + arm.n, old.n * kept),
    sum: arms.reduce((total, arm) => total + arm.sum, old.sum * kept),
    sumSq: 0,
  };
}

function remember(past: Past, cells: readonly DesignCell[]): Past {
  const units = cells.reduce((sum, { control, variant }) => sum + control.n + variant.n, 0);
  const kept = Math.exp(-units / memoryUnits);
  return {
    control: fade(
      past.control,
      cells.map((cell) => cell.control),
      kept,
    ),
    variant: fade(
      past.variant,
      cells.map((cell) => cell.variant),
      kept,
    ),
  };
}
