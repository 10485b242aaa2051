import type { Effect, ExperimentSpec, Metric } from '../../knative/resources/experiment.ts';
import { defaultFloor, defaultMargin } from '../../knative/resources/metric-defaults.ts';
import { designInterval, designRho, designTotals } from '../lib/statistics/design-sequence.ts';
import { riseText } from '../lib/effect-text.ts';
import { jeffreys, priorAround, proportionInterval } from '../lib/statistics/proportion.ts';
import { rateRatioInterval, ratioLimit, type EventCounts } from '../lib/statistics/rate-ratio.ts';
import type { MetricResult } from './look.ts';
import { addArms, failures, settled, type EvidenceWindow } from './window.ts';

/**
 * Spread of log latency that the sequence is tuned for: typical services have 0.3 to 0.6. A
 * decision with the default α and a margin of 10 % then needs about 1,500 requests at 50/50.
 */
const typicalSpread = 0.5;

/** A margin of zero has no distance to tune for; this one is taken. */
const smallestDistance = Math.log(1.05);

/** The guardrail of a plan without a metric on errors: a version that fails fast is not a fast one. */
const impliedGuard: Metric = { type: 'errors', role: 'guardrail', margin: defaultMargin };

/** What a plan judges: its metrics, and errors in any case. */
export function metricsOf(plan: ExperimentSpec): readonly Metric[] {
  const named = plan.metrics.some(({ type }) => type === 'errors');
  return named ? plan.metrics : [...plan.metrics, impliedGuard];
}

/** Judges one metric over a window of evidence; undefined without a request in either arm. */
export function judgeMetric(
  metric: Metric,
  plan: ExperimentSpec,
  window: EvidenceWindow,
): MetricResult | undefined {
  return metric.type === 'latency'
    ? judgeLatency(metric, plan, window)
    : judgeErrors(metric, plan, window);
}

function judgeLatency(
  metric: Metric,
  plan: ExperimentSpec,
  window: EvidenceWindow,
): MetricResult | undefined {
  const limit = Math.log1p(metric.margin);
  const share = (plan.plan.at(-1)?.weight ?? 50) / 100;
  const rho = designRho(typicalSpread, share, Math.max(limit, smallestDistance));
  const interval = designInterval(designTotals(window.blocks), rho, plan.alpha);
  if (interval === undefined) return undefined;
  const { estimate, low, high, lowest, highest } = interval;
  const says = high <= limit ? 'PASS' : low > limit ? 'FAIL' : 'UNDECIDED';
  return {
    metric: 'latency',
    role: metric.role,
    margin: metric.margin,
    estimate: asRise(estimate),
    low: asRise(low),
    high: asRise(high),
    lowest: asRise(lowest),
    highest: asRise(highest),
    says,
    surely: says === 'PASS' ? highest <= limit : lowest > limit,
    worse: estimate > limit,
  };
}

/**
 * Bad is what both exceeds the control's error ratio by the margin and lies above the floor: a
 * FAIL needs both to be sure, a PASS needs one of them to be surely not so.
 */
function judgeErrors(
  metric: Metric,
  plan: ExperimentSpec,
  window: EvidenceWindow,
): MetricResult | undefined {
  if (window.epochs.length === 0) return undefined;
  const { margin, floor = defaultFloor } = metric;
  const limit = 1 + margin;
  const known = window.epochs.map((epoch) => ({
    p: epoch.weight / 100,
    control: failures(epoch.control),
    variant: failures(epoch.variant),
  }));
  const variant = addArms(window.epochs.map((epoch) => epoch.variant));
  const prior = floor > 0 && floor < 1 ? priorAround(floor) : jeffreys;
  const judge = (counts: readonly EventCounts[], failed: number, fine: number): Judged => {
    const ratio = rateRatioInterval(counts, plan.alpha);
    const level = proportionInterval(
      failures(variant) + failed,
      settled(variant) - failures(variant) + fine,
      plan.alpha,
      prior,
    );
    const good = ratio.high <= limit || level.high <= floor;
    const bad = ratio.low > limit && level.low > floor;
    const byFloor = good && ratio.high > limit;
    return { ratio, byFloor, says: good ? 'PASS' : bad ? 'FAIL' : 'UNDECIDED' };
  };
  const plain = judge(known, 0, 0);
  const kindest = judge(blame(known, 'control', window.missingFailures), 0, window.missing);
  const cruellest = judge(
    blame(known, 'variant', window.missingFailures),
    window.missingFailures,
    0,
  );
  return {
    metric: 'errors',
    role: metric.role,
    margin: metric.margin,
    estimate: plain.ratio.estimate - 1,
    low: plain.ratio.low - 1,
    high: plain.ratio.high - 1,
    lowest: Math.min(plain.ratio.low, kindest.ratio.low) - 1,
    highest: Math.max(plain.ratio.high, cruellest.ratio.high) - 1,
    says: plain.says,
    surely: (plain.says === 'PASS' ? cruellest : kindest).says === plain.says,
    worse: plain.ratio.estimate > limit && failures(variant) > floor * settled(variant),
    ...(plain.byFloor && { below: floor }),
  };
}

interface Judged {
  readonly ratio: { readonly estimate: number; readonly low: number; readonly high: number };
  /** Passes by its level, not by comparison. */
  readonly byFloor: boolean;
  readonly says: MetricResult['says'];
}

/** Puts all doubtful failures on one arm, in the newest epoch. */
function blame(
  counts: readonly EventCounts[],
  arm: 'control' | 'variant',
  extra: number,
): EventCounts[] {
  const newest = counts.length - 1;
  return counts.map((each, index) => {
    const { p, control, variant } = each;
    const more = index === newest ? extra : 0;
    return arm === 'control'
      ? { p, control: control + more, variant }
      : { p, control, variant: variant + more };
  });
}

const asRise = (log: number): number => {
  const end = Math.log(ratioLimit);
  return Math.expm1(Math.min(end, Math.max(-end, log)));
};

/** A metric's result without what only looks keep. */
export function toEffect({ metric, estimate, low, high }: MetricResult): Effect {
  return { metric, estimate, low, high };
}

/**
 * A result in words: `latency +1.2 % (-3.0 % to +5.6 %), margin +10.0 %`, or
 * `errors surely below the floor of 1 %`.
 */
export function describe(result: MetricResult): string {
  const { metric, estimate, low, high, margin, below } = result;
  if (below !== undefined) {
    return `${metric} surely below the floor of ${Number((below * 100).toPrecision(6))} %`;
  }
  const [at, from, to, limit] = [estimate, low, high, margin].map(riseText);
  return `${metric} ${at} (${from} to ${to}), margin ${limit}`;
}
