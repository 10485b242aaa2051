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

/**
 * Of this many seconds with requests, the newest ones, so many have to be slow by themselves before latency rolls back. Nothing runs
 * beside the variant that a hiccup of the machine or the network would hit as well.
 */
const recentSeconds = 10;
const slowSeconds = 8;

/** Additional input of a watch. */
export interface WatchInput extends JudgeInput {
  /** Unix ms. */
  readonly verdictAt: number;
}

/**
 * Watches the variant at 100 %: an absolute guard against the level that the control had in the
 * judged window, since nothing runs beside the variant any more. FAIL when the variant is, since
 * any second of the watch, surely slower than that level by `watchAfter.margin`, and still is in 8 of the last 10 seconds; or its error
 * ratio surely above the control's plus the floor: good minutes do not hide bad seconds. PASS after `watchAfter.duration` of sealed
 * evidence with `minSamples`, and not while what was slow is in the last 10 seconds. When the
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
  const enough = requests >= plan.minSamples;
  const alarm = enough ? findAlarm(input, control, blocks) : undefined;
  if (alarm?.lasts === true) return say('FAIL', `watch: ${alarm.text}`);
  if (enough && alarm === undefined && span >= duration) {
    return say('PASS', `watch: ${requests} requests within bounds`);
  }
  if (now >= verdictAt + duration + durationMs(plan.deadline)) {
    return say(
      'INCONCLUSIVE',
      `watch: ${alarm?.text ?? 'not enough evidence'}, and the deadline is over`,
    );
  }
  return say('CONTINUE', `watch: ${alarm?.text ?? `${requests} requests`}`);
}

interface Alarm {
  readonly text: string;
  /** Whether it is seen for as long as a roll-back takes. */
  readonly lasts: boolean;
}

/**
 * Tests every stretch that ends now. The stretch from the k-th second on has the share 1/(k(k+1))
 * of α, which sums to α over all starts, so that the time of the change need not be known.
 */
function findAlarm(
  input: WatchInput,
  control: ArmSums,
  blocks: readonly ArmSums[],
): Alarm | undefined {
  const { alpha, metrics, minSamples, watchAfter } = input.plan;
  const level = meanBounds(moments(control, input.openTimeoutMs), alpha / 2)?.high ?? Infinity;
  const floors = metrics.filter((metric) => metric.type === 'errors').map(({ floor }) => floor);
  const ratio = proportionInterval(
    failures(control),
    settled(control) - failures(control),
    alpha / 2,
    prior,
  ).high;
  const limit = level + Math.log1p(watchAfter.margin);
  const recent = blocks
    .filter((block) => settled(block) > 0)
    .slice(-recentSeconds)
    .map((block) => moments(block, input.openTimeoutMs));
  const slowFor = recent.filter(({ n, sum }) => sum / n > limit).length;
  let slow: Alarm | undefined;
  let variant = addArms([]);
  for (let k = blocks.length; k > 0; k -= 1) {
    variant = addArms([variant, blocks[k - 1] ?? addArms([])]);
    if (settled(variant) < minSamples) continue;
    const spent = alpha / 2 / (k * (k + 1));
    const low = meanBounds(moments(variant, input.openTimeoutMs), spent)?.low;
    if (surelyAbove(variant, ratio + (floors[0] ?? defaultFloor), spent)) {
      const found = `${failures(variant)} of the last ${settled(variant)} requests failed`;
      const text = `${found}; the control's error ratio was at most ${(ratio * 100).toFixed(2)} %`;
      return { text, lasts: true };
    }
    if (slow === undefined && slowFor > 0 && low !== undefined && low > limit) {
      const rise = Math.expm1(low - level) * 100;
      const found = `latency at least ${rise.toFixed(1)} % above the control's level in the last ${settled(variant)} requests`;
      const text = `${found}, and in ${slowFor} of the last ${recentSeconds} seconds`;
      slow = { text, lasts: slowFor >= slowSeconds };
    }
  }
  return slow;
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
