import { z } from 'zod';
import { experimentSpec, type Effect, type Phase, type Verdict } from './experiment.ts';
import { dnsLabel, type Condition, type Resource } from './meta.ts';
import type { Fault } from './traffic-policy.ts';

/** Schema of `ExperimentRun.spec`: a frozen copy of the experiment that started it. */
export const experimentRunSpec = z.strictObject({
  experiment: z.strictObject({
    name: dnsLabel,
    uid: z.string().min(1),
    generation: z.int().min(1),
  }),
  plan: experimentSpec,
});

/** The frozen plan of one run. */
export type ExperimentRunSpec = z.output<typeof experimentRunSpec>;

/** What the run wants of the traffic. Committed before it takes effect. */
export interface RunIntent {
  /** Fencing number of the run's intents, from 1; stamped on every request. */
  readonly epoch: number;
  /** Share of the variant in percent, 0 to 100; the control has the rest. */
  readonly variantWeight: number;
  /** A drill's fault on the variant. */
  readonly fault?: Fault;
  /** When the intent was committed, Unix milliseconds. */
  readonly at: number;
}

/** What the newest look saw. */
export interface EvidenceSummary {
  readonly samples: { readonly control: number; readonly variant: number };
  readonly errors: { readonly control: number; readonly variant: number };
  /** Requests that stayed open past the limit, and requests without a known arm. */
  readonly stuck: number;
  readonly missing: number;
  readonly effects: readonly Effect[];
  /** Bound of the judged window: starts of requests, Unix milliseconds, [from, to). */
  readonly window: { readonly from: number; readonly to: number };
}

/** The fact about a run. Small: looks and evidence are kept apart. */
export interface ExperimentRunStatus {
  readonly phase?: Phase;
  readonly verdict?: Verdict;
  /** Why the verdict is what it is, in a sentence. */
  readonly reason?: string;
  readonly intent?: RunIntent;
  /** Every intent so far, oldest first; the last one equals `intent`. */
  readonly intents?: readonly RunIntent[];
  readonly look?: { readonly number: number; readonly hash: string };
  readonly evidence?: EvidenceSummary;
  /** Unix milliseconds of: start, first judged block, verdict, end. */
  readonly startedAt?: number;
  readonly judgedFrom?: number;
  readonly verdictAt?: number;
  readonly endedAt?: number;
  readonly conditions?: readonly Condition[];
}

/** One immutable execution of an Experiment. Its name is the run id in the arm stamp. */
export type ExperimentRun = Resource<'ExperimentRun', ExperimentRunSpec, ExperimentRunStatus>;
