import { durationMs } from '../lib/duration.ts';
import type { Moments } from '../lib/statistics/design-sequence.ts';
import { mixtureBound, mixtureRho } from '../lib/statistics/normal-mixture.ts';
import { priorAround, proportionInterval } from '../lib/statistics/proportion.ts';
import type { BlockCell } from './evidence-store.ts';
import type { JudgeInput } from './judge.ts';
import type { Finding, Outcome } from './look.ts';
import {
  addArms,
  cutWindow,
  endOf,
  failures,
  moments,
  sealedUntil,
  settled,
  sumEpochs,
  type ArmSums,
} from './window.ts';

/** Requests for which the bounds of the watch are the tightest. */
const tunedFor = 1_000;

/** Error ratio over the control's that is always allowed, where no metric names a floor. */
const defaultFloor = 0.01;

/** Additional input of a watch. */
export interface WatchInput extends JudgeInput {
  readonly verdictAt: number;
}

/**
 * Watches the variant at 100 %: an absolute guard against the level that the control had in the
 * judged window, since nothing runs beside the variant any more. FAIL when the variant is surely
 * slower than that level by `watchAfter.margin`, or its error ratio surely above the control's
 * plus the floor; PASS after `watchAfter.duration` of sealed evidence with `minSamples`. When the
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
    ...decide(input, control, variant, endOf(watched) - from),
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
    (cell) => cell.run === input.run && cell.epoch === epoch && (cell.block + 1) * 1_000 <= to,
  );
}

type Decision = Pick<Finding, 'outcome' | 'reason'>;

const say = (outcome: Outcome, reason: string): Decision => ({ outcome, reason });

function decide(input: WatchInput, control: ArmSums, variant: ArmSums, span: number): Decision {
  const { plan, now, verdictAt } = input;
  const duration = durationMs(plan.watchAfter.duration);
  const enough = settled(variant) >= plan.minSamples;
  if (enough) {
    const alarm = slower(input, control, variant) ?? failing(input, control, variant);
    if (alarm !== undefined) return say('FAIL', `watch: ${alarm}`);
    if (span >= duration) return say('PASS', `watch: ${settled(variant)} requests within bounds`);
  }
  if (now >= verdictAt + duration + durationMs(plan.deadline)) {
    return say('INCONCLUSIVE', 'watch: not enough evidence before the deadline');
  }
  return say('CONTINUE', `watch: ${settled(variant)} requests`);
}

function slower(input: WatchInput, control: ArmSums, variant: ArmSums): string | undefined {
  const { alpha, watchAfter } = input.plan;
  const [was, is] = [control, variant].map((arm) =>
    meanBounds(moments(arm, input.openTimeoutMs), alpha / 2),
  );
  if (was === undefined || is === undefined) return undefined;
  if (is.low <= was.high + Math.log1p(watchAfter.margin)) return undefined;
  const rise = Math.expm1(is.low - was.high) * 100;
  return `latency at least ${rise.toFixed(1)} % above the control's level`;
}

function failing(input: WatchInput, control: ArmSums, variant: ArmSums): string | undefined {
  const { alpha, metrics } = input.plan;
  const floors = metrics.filter((metric) => metric.type === 'errors').map(({ floor }) => floor);
  const floor = floors[0] ?? defaultFloor;
  const [was, is] = [control, variant].map((arm) =>
    proportionInterval(
      failures(arm),
      settled(arm) - failures(arm),
      alpha / 2,
      priorAround(defaultFloor),
    ),
  );
  if (was === undefined || is === undefined || is.low <= was.high + floor) return undefined;
  return `error ratio at least ${(is.low * 100).toFixed(2)} %, the control's was at most ${(was.high * 100).toFixed(2)} %`;
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
