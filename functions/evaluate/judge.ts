import type { RunIntent } from '../../knative/resources/experiment-run.ts';
import type { ExperimentSpec } from '../../knative/resources/experiment.ts';
import { durationMs } from '../lib/duration.ts';
import { sampleRatioLogBayesFactor } from '../lib/statistics/sample-ratio.ts';
import type { BlockCell } from '../evidence/evidence-store.ts';
import type { Finding, MetricResult, Outcome } from './look.ts';
import { describe, judgeMetric, metricsOf, toEffect } from './metrics.ts';
import { isLastStep } from './plan.ts';
import { addArms, cutWindow, sealedUntil, settled, type EvidenceWindow } from './window.ts';

/** All that a finding depends on: equal inputs give equal bytes. */
export interface JudgeInput {
  readonly run: string;
  readonly plan: ExperimentSpec;
  readonly intents: readonly RunIntent[];
  /** Unix ms. */
  readonly startedAt: number;
  /** Unix ms; undefined until the run's traffic was seen. */
  readonly judgedFrom: number | undefined;
  readonly cells: readonly BlockCell[];
  /** Of the live sources, Unix ms; undefined when none is live. */
  readonly watermark: number | undefined;
  readonly openTimeoutMs: number;
  readonly now: number;
  /** When the newest report came, Unix ms. */
  readonly heardAt: number | undefined;
  /** Since when evidence could reach us, Unix ms: neither our own absence nor the store's is the agent's silence. */
  readonly listeningSince: number;
}

/** Chance of a false alarm of the sample-ratio gate. */
const sampleRatioAlpha = 0.001;

/** Missing requests that bar a verdict for this much evidence make the run INVALID. */
const persistMs = 10_000;

/** Evidence that ended longer ago than this gives no verdict, though others move the watermark. */
const freshMs = 10_000;

/** Without news from the agents for this long (and the open limit) a run is INVALID. */
export const silenceLimitMs = 60_000;

/** Limit for open requests before any agent has named one, ms. */
export const defaultOpenTimeoutMs = 30_000;

/** Judges the sealed evidence of a run's divided traffic. */
export function judge(input: JudgeInput): Finding {
  const to = sealedUntil(input.watermark);
  const window = cut(input, to);
  const metrics = judgeAll(input.plan, window);
  const epochs = window.epochs;
  const control = addArms(epochs.map((epoch) => epoch.control));
  const variant = addArms(epochs.map((epoch) => epoch.variant));
  return {
    ...decide(input, window, metrics),
    summary: {
      samples: { control: control.started, variant: variant.started },
      errors: { control: control.errors, variant: variant.errors },
      stuck: control.stuck + variant.stuck,
      missing: window.missing,
      effects: metrics.map(toEffect),
      window: { from: window.from, to: window.to },
    },
    metrics,
    epochs,
    cells: window.cellsHash,
  };
}

function cut(input: JudgeInput, to: number): EvidenceWindow {
  const divided = input.intents.filter(({ variantWeight: w }) => w > 0 && w < 100);
  const judged = divided.filter(({ fault }) => !input.plan.drill || fault !== undefined);
  return cutWindow({
    run: input.run,
    cells: input.cells,
    divided: new Map(divided.map((intent) => [intent.epoch, intent.variantWeight])),
    judged: new Set(judged.map((intent) => intent.epoch)),
    from: input.judgedFrom ?? to,
    to,
    openTimeoutMs: input.openTimeoutMs,
  });
}

const judgeAll = (plan: ExperimentSpec, window: EvidenceWindow): MetricResult[] =>
  metricsOf(plan)
    .map((metric) => judgeMetric(metric, plan, window))
    .filter((result) => result !== undefined);

type Decision = Pick<Finding, 'outcome' | 'reason'>;

const say = (outcome: Outcome, reason: string): Decision => ({ outcome, reason });

function decide(input: JudgeInput, window: EvidenceWindow, metrics: MetricResult[]): Decision {
  const { plan, now } = input;
  const ratio = sampleRatioAlarm(input, window);
  if (ratio !== undefined) return say('INVALID', ratio);

  const fresh = window.newest > window.to - freshMs;
  const found = fresh
    ? weigh(input, window, metrics)
    : say('CONTINUE', 'no judged request lately: its evidence may have stopped');
  if (found.outcome === 'PASS' || found.outcome === 'FAIL') return found;
  const blocked = found.outcome === 'INVALID';
  if (blocked && barredBefore(input, window)) return found;
  if (now >= input.startedAt + durationMs(plan.deadline)) {
    return blocked ? found : say('INCONCLUSIVE', `deadline ${plan.deadline}: ${found.reason}`);
  }
  const lastNews = Math.max(
    input.watermark ?? input.heardAt ?? 0,
    input.listeningSince,
    input.startedAt,
  );
  if (now - lastNews > silenceLimitMs + input.openTimeoutMs) {
    return say('INVALID', 'no-evidence: agents have not moved the watermark');
  }
  return say('CONTINUE', found.reason);
}

/** What the metrics say by themselves; INVALID when only missing requests stand in the way. */
function weigh(input: JudgeInput, window: EvidenceWindow, metrics: MetricResult[]): Decision {
  const { plan, intents } = input;
  const control = addArms(window.epochs.map((epoch) => epoch.control));
  const variant = addArms(window.epochs.map((epoch) => epoch.variant));
  const fewest = Math.min(settled(control), settled(variant));
  if (fewest < plan.minSamples || metrics.length < metricsOf(plan).length) {
    return say('CONTINUE', `${fewest} of ${plan.minSamples} requests in the smaller arm`);
  }
  const text = metrics.map(describe).join('; ');
  const failed = metrics.filter((metric) => metric.says === 'FAIL');
  if (failed.some((metric) => metric.surely)) {
    return say('FAIL', failed.map(describe).join('; '));
  }
  const barred = `missing: ${window.missing} requests without a known arm or answer; ${text}`;
  if (failed.length > 0) return say('INVALID', barred);

  const objectives = metrics.filter((metric) => metric.role === 'objective');
  const allPass = objectives.length > 0 && objectives.every((metric) => metric.says === 'PASS');
  if (!allPass) return say('CONTINUE', text);
  if (!isLastStep(plan, intents.at(-1))) return say('CONTINUE', `before the last step; ${text}`);
  const stuck = control.stuck + variant.stuck;
  if (stuck > 0) return say('CONTINUE', `${stuck} stuck requests bar a PASS; ${text}`);
  // Answers that fail are often quick: until they are sorted out, a low latency proves nothing.
  const doubtful = metrics.filter(
    ({ metric, role, worse }) => metric === 'errors' && role === 'guardrail' && worse,
  );
  if (doubtful.length > 0) return say('CONTINUE', `more errors bar a PASS; ${text}`);
  return objectives.every((metric) => metric.surely) ? say('PASS', text) : say('INVALID', barred);
}

/** Whether missing requests stood in the way already with the evidence of some time ago. */
function barredBefore(input: JudgeInput, window: EvidenceWindow): boolean {
  const earlier = cut(input, window.to - persistMs);
  return weigh(input, earlier, judgeAll(input.plan, earlier)).outcome === 'INVALID';
}

/** The gate before every verdict: units have to be shared out as planned, in every epoch. */
function sampleRatioAlarm({ plan }: JudgeInput, window: EvidenceWindow): string | undefined {
  // The number of epochs to come is known beforehand, so that the chance is that of the whole run.
  const limit = Math.log(plan.plan.length / sampleRatioAlpha);
  for (const { epoch, weight, control, variant } of window.epochs) {
    const share = weight / 100;
    const counts = [control.started, variant.started];
    if (sampleRatioLogBayesFactor(counts, [1 - share, share]) < limit) continue;
    return `sample-ratio: ${counts.join(' to ')} requests in epoch ${epoch}, planned ${100 - weight} to ${weight}`;
  }
  return undefined;
}
