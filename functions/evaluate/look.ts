import { z } from 'zod';
import type { Effect, Verdict } from '../../knative/resources/experiment.ts';
import type { Frozen } from '../../knative/resources/rule.ts';
import { canonicalJson, sha256 } from '../lib/canonical-json.ts';
import type { Look } from '../evidence/evidence-store.ts';
import type { EpochSums } from './window.ts';

/** What a look says: go on, or a verdict. */
export type Outcome = 'CONTINUE' | Verdict;

/** One metric at one look. Bounds are ratios minus one. */
export interface MetricResult extends Effect {
  readonly role: 'objective' | 'guardrail';
  readonly margin: number;
  /** Bounds that survive the kindest and the cruellest filling of the missing requests. */
  readonly lowest: number;
  readonly highest: number;
  /** As the bounds say; and whether that survives every filling. */
  readonly says: 'PASS' | 'FAIL' | 'UNDECIDED';
  readonly surely: boolean;
  /** The estimate itself lies beyond the margin (and the floor). */
  readonly worse: boolean;
  /** The error ratio below which this one surely lies, where only that makes it pass. */
  readonly below?: number;
}

/** What a judging of evidence gives, before it is numbered. */
export interface Finding {
  readonly outcome: Outcome;
  /** In a sentence. */
  readonly reason: string;
  readonly summary: LookSummary;
  readonly metrics: readonly MetricResult[];
  readonly epochs: readonly EpochSums[];
  /** SHA-256 over the cells used. */
  readonly cells: string;
}

/** Body of a look: its evidence, and everything that the finding depends on. */
export interface LookBody extends Finding {
  readonly stage: 'judge' | 'watch';
  readonly run: string;
  readonly number: number;
  /** Unix ms. */
  readonly at: number;
  readonly watermark: number | null;
  readonly openTimeoutMs: number;
}

const arms = z.object({ control: z.number(), variant: z.number() });

/** What the state machine takes from a stored look. */
export type Conclusion = z.output<typeof conclusion>;

/** What a look saw. Bounds of its window are Unix ms. */
export type LookSummary = Frozen<Conclusion['summary']>;

const conclusion = z.object({
  stage: z.enum(['judge', 'watch']),
  at: z.number(),
  outcome: z.enum(['CONTINUE', 'PASS', 'FAIL', 'INCONCLUSIVE', 'INVALID']),
  reason: z.string(),
  summary: z.object({
    samples: arms,
    errors: arms,
    stuck: z.number(),
    missing: z.number(),
    effects: z.array(
      z.object({
        metric: z.enum(['latency', 'errors']),
        estimate: z.number(),
        low: z.number(),
        high: z.number(),
      }),
    ),
    window: z.object({ from: z.number(), to: z.number() }),
  }),
});

/** Reads what a stored look concluded. */
export function readConclusion(look: Look): Conclusion {
  return conclusion.parse(JSON.parse(look.body));
}

/** Seals a body into the look that follows `last`. */
export function chainLook(last: Look | undefined, body: LookBody): Look {
  const previous = last?.hash ?? '0'.repeat(64);
  const text = canonicalJson(body);
  const { run, number } = body;
  return { run, number, previous, hash: sha256(previous + text), body: text };
}
