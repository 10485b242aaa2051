import { defaultFloor } from '../../knative/resources/metric-defaults.ts';
import { durationMs } from '../lib/duration.ts';
import type { Moments } from '../lib/statistics/design-sequence.ts';
import { mixtureBound, mixtureRho } from '../lib/statistics/normal-mixture.ts';
import {
  priorAround,
  proportionInterval,
  proportionLogMartingale,
} from '../lib/statistics/proportion.ts';
import type { BlockCell } from '../evidence/evidence-store.ts';
import type { JudgeInput } from './judge.ts';
import type { Finding, Outcome } from './look.ts';
import {
  addArms,
  cutWindow,
  endOf,
  failures,
  isSealed,
  moments,
  sealedUntil,
  settled,
  sumEpochs,
  type ArmSums,
} from './window.ts';

/** Requests for which the bounds of the watch are the tightest. */
const tunedFor = 1_000;

/** Additional input of a watch. */
export interface WatchInput extends JudgeInput {
  readonly verdictAt: number;
}

/**
 * Watches the variant at 100 %: an absolute guard against the level that the control had in the
 * judged window, since nothing runs beside the variant any more. FAIL when the variant is, since
 * any second of the watch, surely slower than that level by `watchAfter.margin`, or its error
 * ratio surely above the control's plus the floor: good minutes do not hide a bad second. PASS after `watchAfter.duration` of sealed evidence with `minSamples`. When the
 * evidence stops, nothing happens before `duration` + `deadline` have passed since the verdict;
 * then INCONCLUSIVE.
 */
export function watch(input: WatchInput): Finding {
  const { run, cells, intents, openTimeoutMs } = input;
  const to = sealedUntil(input.watermark);
  const divided = intents.filter(({ variantWeight: w }) => w > 0 && w < 100);
  const before = cutWindow({
    run,
    cells,
    divided: new Map(divided.map((intent) => [intent.epoch, intent.variantWeight])),
    judged: new Set(divided.map((intent) => intent.epoch)),
    from: input.judgedFrom ?? to,
    to,
    openTimeoutMs,
  });
  const control = addArms(before.epochs.map((epoch) => epoch.control));
  const watched = watchedCells(input, to);
  const epochs = sumEpochs(
    watched,
    new Map([[intents.at(-1)?.epoch ?? 0, intents.at(-1)?.variantWeight ?? 0]]),
  );
  const variant = addArms(epochs.map((epoch) => epoch.variant));
  const from = Math.min(to, ...watched.map((cell) => cell.block * 1_000));
  return {
    ...decide(input, control, epochs.length === 0 ? [] : sumBlocks(watched), endOf(watched) - from),
    summary: {
      samples: { control: 0, variant: variant.started },
      errors: { control: 0, variant: variant.errors },
      stuck: variant.stuck,
      missing: 0,
      effects: [],
      window: { from, to },
    },
    metrics: [],
    epochs: [...before.epochs, ...epochs],
    cells: before.cellsHash,
  };
}

function watchedCells(input: WatchInput, to: number): BlockCell[] {
  const epoch = input.intents.at(-1)?.epoch;
  return input.cells.filter(
    (cell) => cell.run === input.run && cell.epoch === epoch && isSealed(cell, to),
  );
}

/** The variant's sums second by second, oldest first. */
function sumBlocks(cells: readonly BlockCell[]): ArmSums[] {
  const variant = cells.filter((cell) => cell.arm === 'variant');
  return [...Map.groupBy(variant, (cell) => cell.block)]
    .sort(([a], [b]) => a - b)
    .map(([, block]) => addArms(block));
}

type Decision = Pick<Finding, 'outcome' | 'reason'>;

const say = (outcome: Outcome, reason: string): Decision => ({ outcome, reason });

function decide(
  input: WatchInput,
  control: ArmSums,
  blocks: readonly ArmSums[],
  span: number,
): Decision {
  const { plan, now, verdictAt } = input;
  const duration = durationMs(plan.watchAfter.duration);
  const requests = settled(addArms(blocks));
  if (requests >= plan.minSamples) {
    const alarm = findAlarm(input, control, blocks);
    if (alarm !== undefined) return say('FAIL', `watch: ${alarm}`);
    if (span >= duration) return say('PASS', `watch: ${requests} requests within bounds`);
  }
  if (now >= verdictAt + duration + durationMs(plan.deadline)) {
    return say('INCONCLUSIVE', 'watch: not enough evidence before the deadline');
  }
  return say('CONTINUE', `watch: ${requests} requests`);
}

/**
 * Tests every stretch that ends now. The stretch from the k-th second on has the share 1/(k(k+1))
 * of α, which sums to α over all starts, so that the time of the change need not be known.
 */
function findAlarm(
  input: WatchInput,
  control: ArmSums,
  blocks: readonly ArmSums[],
): string | undefined {
  const { alpha, metrics, minSamples, watchAfter } = input.plan;
  const level = meanBounds(moments(control, input.openTimeoutMs), alpha / 2)?.high;
  const floors = metrics.filter((metric) => metric.type === 'errors').map(({ floor }) => floor);
  const ratio = proportionInterval(
    failures(control),
    settled(control) - failures(control),
    alpha / 2,
    prior,
  ).high;
  let variant = addArms([]);
  for (let k = blocks.length; k > 0; k -= 1) {
    variant = addArms([variant, blocks[k - 1] ?? addArms([])]);
    if (settled(variant) < minSamples) continue;
    const spent = alpha / 2 / (k * (k + 1));
    const low = meanBounds(moments(variant, input.openTimeoutMs), spent)?.low;
    if (level !== undefined && low !== undefined && low > level + Math.log1p(watchAfter.margin)) {
      const rise = Math.expm1(low - level) * 100;
      return `latency at least ${rise.toFixed(1)} % above the control's level in the last ${settled(variant)} requests`;
    }
    if (surelyAbove(variant, ratio + (floors[0] ?? defaultFloor), spent)) {
      const found = `${failures(variant)} of the last ${settled(variant)} requests failed`;
      return `${found}; the control's error ratio was at most ${(ratio * 100).toFixed(2)} %`;
    }
  }
  return undefined;
}

const prior = priorAround(defaultFloor);

/** Whether the chance of a failure is above `limit`, at level `alpha`. */
function surelyAbove(arm: ArmSums, limit: number, alpha: number): boolean {
  const failed = failures(arm);
  const n = settled(arm);
  if (limit >= 1 || failed <= limit * n) return false;
  return proportionLogMartingale(failed, n - failed, limit, prior) >= Math.log(1 / alpha);
}

/** An asymptotic confidence sequence for a mean (arXiv 2103.06476). */
function meanBounds(arm: Moments, alpha: number): { low: number; high: number } | undefined {
  if (arm.n < 2) return undefined;
  const mean = arm.sum / arm.n;
  const variance = Math.max(0, arm.sumSq / arm.n - mean * mean);
  const rho = mixtureRho(tunedFor * variance, alpha);
  const half = variance === 0 ? 0 : mixtureBound(arm.n * variance, rho, alpha) / arm.n;
  return { low: mean - half, high: mean + half };
}
