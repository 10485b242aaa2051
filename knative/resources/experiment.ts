import { z } from 'zod';
import { dnsLabel, durationText, type Condition, type Resource } from './meta.ts';
import { fault } from './traffic-policy.ts';

const role = z.enum(['objective', 'guardrail']).default('objective');

const latencyMetric = z.strictObject({
  type: z.literal('latency'),
  role,
  /** Allowed rise of the geometric mean of time to first byte, as a ratio: 0.05 is 5 %. */
  margin: z.number().min(0).max(10).default(0.05),
});

const errorMetric = z.strictObject({
  type: z.literal('errors'),
  role,
  /** Allowed rise of the error ratio relative to the control's: 0.05 is 5 %. */
  margin: z.number().min(0).max(10).default(0.05),
  /** An error ratio surely below this is good whatever the control's is. */
  floor: z.number().min(0).max(1).default(0.01),
});

/** Schema of one metric of an experiment. */
export const metric = z.discriminatedUnion('type', [latencyMetric, errorMetric]);

/** What is compared between the arms. An objective must PASS; a guardrail must not FAIL. */
export type Metric = z.output<typeof metric>;

/** Schema of `Experiment.spec`. */
export const experimentSpec = z
  .strictObject({
    /** The TrafficPolicy, in the same namespace, whose traffic is shifted. */
    targetRef: z.strictObject({
      kind: z.literal('TrafficPolicy').default('TrafficPolicy'),
      name: dnsLabel,
    }),
    control: dnsLabel,
    variant: dnsLabel,
    /** Weight of the variant in percent, step by step; the last step is held until the verdict. */
    plan: z
      .array(z.strictObject({ weight: z.number().min(1).max(99), hold: durationText.optional() }))
      .min(1)
      .max(16)
      .default([{ weight: 50 }]),
    metrics: z
      .array(metric)
      .min(1)
      .max(8)
      .default([
        { type: 'latency', role: 'objective', margin: 0.05 },
        { type: 'errors', role: 'objective', margin: 0.05, floor: 0.01 },
      ]),
    /** Chance of a wrong verdict over the whole run, per metric and side. */
    alpha: z.number().min(1e-6).max(0.2).default(0.01),
    /** Sealed requests that each arm needs before any verdict. */
    minSamples: z.int().min(10).max(10_000_000).default(100),
    warmUp: durationText.default('30s'),
    /** After this long without a verdict the run is INCONCLUSIVE. */
    deadline: durationText.default('30m'),
    /** How long the variant is watched at 100 % before the run succeeds. */
    watchAfter: z
      .strictObject({
        duration: durationText.default('1m'),
        /** Rise over the control's level, as a ratio, that ends the watch in a roll-back. */
        margin: z.number().min(0).max(10).default(0.5),
      })
      .default({ duration: '1m', margin: 0.5 }),
    /** A fault put on the variant on purpose: the judge has to catch it. */
    drill: z
      .strictObject({
        fault,
        expect: z.literal('FAIL'),
        onCaught: z.literal('rollback').default('rollback'),
      })
      .optional(),
  })
  .refine((value) => value.control !== value.variant, {
    path: ['variant'],
    message: 'must differ from control',
  });

/** The wish: compare two versions on real traffic and keep the good one. */
export type ExperimentSpec = z.output<typeof experimentSpec>;

/** Where an experiment or a run stands. The last three are final. */
export type Phase =
  | 'Pending'
  | 'WarmingUp'
  | 'Running'
  | 'Verifying'
  | 'RollingBack'
  | 'Succeeded'
  | 'RolledBack'
  | 'Failed';

/** What the evidence says. */
export type Verdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'INVALID';

/** Effect of the variant: its metric over the control's, as a ratio minus one, with the interval. */
export interface Effect {
  readonly metric: Metric['type'];
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** The fact about an experiment: a mirror of its newest run. */
export interface ExperimentStatus {
  readonly observedGeneration?: number;
  readonly phase?: Phase;
  /** Name of the newest ExperimentRun. */
  readonly run?: string;
  readonly verdict?: Verdict;
  /** `ResolvedRefs`, `Progressing`, `Complete`, `OverlayActive`. */
  readonly conditions?: readonly Condition[];
}

/** An A/B experiment on one TrafficPolicy. */
export type Experiment = Resource<'Experiment', ExperimentSpec, ExperimentStatus>;
