import { z } from 'zod';
import { fault } from './fault.ts';
import {
  condition,
  dnsLabel,
  durationText,
  observedGeneration,
  positiveDuration,
} from './meta-schemas.ts';
import type { Resource } from './meta.ts';
import { defaultFloor, defaultMargin } from './metric-defaults.ts';
import { mapList, rules, type Frozen } from './rule.ts';

/** Schema of one metric of an experiment. */
export const metric = z
  .strictObject({
    type: z
      .enum(['latency', 'errors'])
      .describe(
        '`latency`: the geometric mean of the time to the first byte. `errors`: the share of requests that failed.',
      ),
    role: z
      .enum(['objective', 'guardrail'])
      .default('objective')
      .describe('An objective must PASS; a guardrail must not FAIL.'),
    margin: z
      .number()
      .min(0)
      .max(10)
      .default(defaultMargin)
      .describe("Allowed rise over the control's, as a ratio: 0.05 is 5 %."),
    floor: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        `Of errors only: an error ratio that is surely below this is good whatever the control's is. Default: ${defaultFloor}.`,
      ),
  })
  .meta(
    rules({
      rule: "self.type == 'errors' || !has(self.floor)",
      message: 'must be left out: only a metric of type errors has a floor',
      fieldPath: '.floor',
      reason: 'FieldValueForbidden',
    }),
  );

/** What is compared between the arms. An objective must PASS; a guardrail must not FAIL. */
export type Metric = z.output<typeof metric>;

const step = z.strictObject({
  weight: z.number().min(1).max(99).describe('Share of the variant, in percent.'),
  hold: positiveDuration
    .optional()
    .describe('How long this weight is held; the last one is held until the verdict. Default: 1m.'),
});

/** Schema of `Experiment.spec`. */
export const experimentSpec = z
  .strictObject({
    targetRef: z
      .strictObject({
        kind: z.literal('TrafficPolicy').default('TrafficPolicy').describe('Kind of the target.'),
        name: dnsLabel.describe('Name of the target.'),
      })
      .describe('The TrafficPolicy, in the same namespace, whose traffic is shifted.'),
    control: dnsLabel.describe('The version that stands.'),
    variant: dnsLabel.describe('The version that is tried.'),
    plan: z
      .array(step)
      .min(1)
      .max(16)
      .meta(
        rules({
          rule: 'self.map(step, step.weight).isSorted() && self.all(step, self.exists_one(other, other.weight == step.weight))',
          message: 'must have weights that rise from step to step',
        }),
      )
      .default([{ weight: 50 }])
      .describe('Weights of the variant, step by step; the last one is held until the verdict.'),
    metrics: z
      .array(metric)
      .min(1)
      .max(8)
      .meta(mapList('type', 'role'))
      .default([
        { type: 'latency', role: 'objective', margin: 0.05 },
        { type: 'errors', role: 'objective', margin: 0.05, floor: defaultFloor },
      ])
      .describe('What is compared. Errors are a guardrail also where no metric names them.'),
    alpha: z
      .number()
      .min(1e-6)
      .max(0.2)
      // An API server rounds a bound down to compare it with a whole number, and takes 0 by that.
      .meta(rules({ rule: 'self >= 0.000001', message: 'must be at least 0.000001' }))
      .default(0.01)
      .describe('Chance of a wrong verdict over the whole run, per metric and side.'),
    minSamples: z
      .int()
      .min(10)
      .max(10_000_000)
      .default(100)
      .describe('Sealed requests that each arm needs before any verdict.'),
    warmUp: durationText.default('30s').describe('How long requests are not judged at first.'),
    deadline: positiveDuration
      .default('30m')
      .describe('After this long without a verdict the run is INCONCLUSIVE.'),
    watchAfter: z
      .strictObject({
        duration: durationText.default('1m').describe('How long.'),
        margin: z
          .number()
          .min(0)
          .max(10)
          .default(0.5)
          .describe("Rise over the control's level, as a ratio, that ends it in a roll-back."),
      })
      .default({ duration: '1m', margin: 0.5 })
      .describe('How the variant is watched at 100 % before the run succeeds.'),
    drill: z
      .strictObject({
        fault: fault.describe('The fault.'),
        expect: z.literal('FAIL').describe('The verdict that has to come.'),
        onCaught: z.literal('rollback').default('rollback').describe('What follows then.'),
      })
      .optional()
      .describe('A fault put on the variant on purpose: the judge has to catch it.'),
  })
  .meta(
    rules({
      rule: 'self.control != self.variant',
      message: 'must differ from control',
      fieldPath: '.variant',
    }),
  )
  .describe('A comparison of two versions on real traffic.');

/** The wish: compare two versions on real traffic and keep the good one. */
export type ExperimentSpec = z.output<typeof experimentSpec>;

/** Schema of {@link Phase}. */
export const phase = z.enum([
  'Pending',
  'WarmingUp',
  'Running',
  'Verifying',
  'RollingBack',
  'Succeeded',
  'RolledBack',
  'Failed',
]);

/** Where an experiment or a run stands. The last three are final. */
export type Phase = z.output<typeof phase>;

/** Schema of {@link Verdict}. */
export const verdict = z.enum(['PASS', 'FAIL', 'INCONCLUSIVE', 'INVALID']);

/** What the evidence says. */
export type Verdict = z.output<typeof verdict>;

/** Schema of {@link Effect}. */
export const effect = z.strictObject({
  metric: metric.shape.type.describe('Type of the metric.'),
  estimate: z.number().describe("The variant's over the control's, as a ratio minus one."),
  low: z.number().describe('Low end of its interval.'),
  high: z.number().describe('High end of its interval.'),
});

/** Effect of the variant: its metric over the control's, as a ratio minus one, with the interval. */
export type Effect = Frozen<z.output<typeof effect>>;

/** Schema of `Experiment.status`. */
export const experimentStatus = z
  .strictObject({
    observedGeneration,
    phase: phase.exactOptional().describe('Phase of the newest run.'),
    run: z.string().max(253).exactOptional().describe('Name of the newest ExperimentRun.'),
    step: z
      .string()
      .max(16)
      .exactOptional()
      .describe('Step of the plan that is held, and how many there are, such as `2/3`.'),
    weight: z
      .number()
      .min(0)
      .max(100)
      .exactOptional()
      .describe('Share of the traffic that the variant is meant to have now, in percent.'),
    verdict: verdict.exactOptional().describe('Verdict of the newest run.'),
    conditions: z
      .array(condition)
      .meta(mapList('type'))
      .exactOptional()
      .describe('`ResolvedRefs`, `Progressing`, `Complete`, `OverlayActive`, `EvidenceAvailable`.'),
  })
  .describe('A mirror of the newest run.');

/** The fact about an experiment: a mirror of its newest run. */
export type ExperimentStatus = Frozen<z.output<typeof experimentStatus>>;

/** An A/B experiment on one TrafficPolicy. */
export type Experiment = Resource<'Experiment', ExperimentSpec, ExperimentStatus>;
