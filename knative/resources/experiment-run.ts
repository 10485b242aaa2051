import { z } from 'zod';
import { effect, experimentSpec, phase, verdict } from './experiment.ts';
import { fault } from './fault.ts';
import { condition, dnsLabel, time } from './meta-schemas.ts';
import type { Resource } from './meta.ts';
import { mapList, rules, type Frozen } from './rule.ts';

/** Schema of `ExperimentRun.spec`: a frozen copy of the experiment that started it. */
export const experimentRunSpec = z
  .strictObject({
    experiment: z
      .strictObject({
        name: dnsLabel.describe('Its name.'),
        uid: z.string().min(1).max(64).describe('Its `metadata.uid`.'),
        generation: z.int().min(1).describe('Its `metadata.generation` at the start.'),
      })
      .describe('The Experiment that started the run.'),
    plan: experimentSpec.describe('The spec of the Experiment at the start.'),
  })
  .meta(
    rules({
      rule: 'self == oldSelf',
      message: 'is immutable; start another run by changing its Experiment',
      reason: 'FieldValueForbidden',
    }),
  )
  .describe('A frozen copy of the experiment that started the run.');

/** The frozen plan of one run. */
export type ExperimentRunSpec = z.output<typeof experimentRunSpec>;

const count = z.int().min(0);

const runIntent = z.strictObject({
  epoch: z
    .int()
    .min(1)
    .describe("Fencing number of the run's intents, from 1; stamped on every request."),
  variantWeight: z
    .number()
    .min(0)
    .max(100)
    .describe('Share of the variant in percent; the control has the rest.'),
  fault: fault.exactOptional().describe("A drill's fault on the variant."),
  at: time('When the intent was committed.'),
});

/** What the run wants of the traffic. Committed before it takes effect. */
export type RunIntent = Frozen<z.output<typeof runIntent>>;

const perArm = z.strictObject({
  control: count.describe('In the control.'),
  variant: count.describe('In the variant.'),
});

const evidenceSummary = z.strictObject({
  samples: perArm.describe('Judged requests.'),
  errors: perArm.describe('Those that failed.'),
  stuck: count.describe('Requests that stayed open past the limit.'),
  missing: count.describe('Requests without a known arm.'),
  effects: z.array(effect).max(16).describe('Effects, one for each metric.'),
  window: z
    .strictObject({
      from: time('First start.'),
      to: time('End, which is not in it.'),
    })
    .describe('Bounds of the judged window: starts of requests.'),
});

/** What the newest look saw. */
export type EvidenceSummary = Frozen<z.output<typeof evidenceSummary>>;

/** Schema of `ExperimentRun.status`. */
export const experimentRunStatus = z
  .strictObject({
    phase: phase.exactOptional().describe('Where the run stands.'),
    verdict: verdict.exactOptional().describe('What the evidence says.'),
    reason: z
      .string()
      .max(32_768)
      .exactOptional()
      .describe('Why the verdict is what it is, in a sentence.'),
    intent: runIntent.exactOptional().describe('What the run wants of the traffic.'),
    intents: z
      .array(runIntent)
      .max(64)
      .exactOptional()
      .describe('Every intent so far, oldest first; the last one equals `intent`.'),
    look: z
      .strictObject({
        number: count.describe('Its number.'),
        hash: z.string().max(64).describe('SHA-256 of it and of the one before, in hex.'),
      })
      .exactOptional()
      .describe('The newest look.'),
    evidence: evidenceSummary.exactOptional().describe('What the newest look saw.'),
    startedAt: time('When the run started.').exactOptional(),
    judgedFrom: time('Requests that start from here on are judged.').exactOptional(),
    verdictAt: time('When the verdict fell.').exactOptional(),
    endedAt: time('When the run ended.').exactOptional(),
    conditions: z
      .array(condition)
      .meta(mapList('type'))
      .exactOptional()
      .describe('`OverlayActive`, `EvidenceAvailable`.'),
  })
  .describe('The fact about the run. Looks and evidence are kept apart.');

/** The fact about a run. Small: looks and evidence are kept apart. */
export type ExperimentRunStatus = Frozen<z.output<typeof experimentRunStatus>>;

/** One immutable execution of an Experiment. Its name is the run id in the arm stamp. */
export type ExperimentRun = Resource<'ExperimentRun', ExperimentRunSpec, ExperimentRunStatus>;
