import type { ExperimentRunStatus } from '../../knative/resources/experiment-run.ts';
import type { ExperimentSpec } from '../../knative/resources/experiment.ts';
import { withConditions, type Claim } from '../lib/conditions.ts';
import { durationMs } from '../lib/duration.ts';
import { CloverError } from '../lib/errors.ts';
import { isFinal } from '../lib/final-phase.ts';
import { toUnixMs } from '../lib/rfc3339.ts';
import { defaultOpenTimeoutMs, silenceLimitMs } from './judge.ts';
import type { Saying } from './machine.ts';

/** Condition of a run: whether it can be judged. It is there since it could not be for the first time. */
export const evidenceAvailable = 'EvidenceAvailable';

/**
 * How long divided traffic may go on while nobody can judge it, ms: as long as while agents are silent. Their open limit stands in
 * the evidence, and is taken to be the usual one.
 */
const blindLimitMs = silenceLimitMs + defaultOpenTimeoutMs;

/**
 * What time alone decides of a run that cannot be judged: INVALID after {@link blindLimitMs}, INCONCLUSIVE at its deadline, and so
 * in the watch, as if its agents were silent. Undefined before that, and where no traffic is divided.
 * @param status with the condition of {@link withFailure}, which says since when.
 */
export function decideBlind(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  now: number,
): Saying | undefined {
  const { phase, startedAt, verdictAt } = status;
  const condition = conditionOf(status);
  if (condition?.status !== 'False') return undefined;
  const say = (stage: Saying['stage'], outcome: Saying['outcome'], why: string): Saying => ({
    stage,
    outcome,
    reason: `${why}: ${condition.message}`,
    at: now,
  });
  const deadlineMs = durationMs(plan.deadline);
  if (phase === 'Verifying') {
    const ends = (toUnixMs(verdictAt) ?? now) + durationMs(plan.watchAfter.duration) + deadlineMs;
    return now < ends ? undefined : say('watch', 'INCONCLUSIVE', 'watch: no evidence');
  }
  if (phase !== 'WarmingUp' && phase !== 'Running') return undefined;
  if (now >= (toUnixMs(startedAt) ?? now) + deadlineMs)
    return say('judge', 'INCONCLUSIVE', `deadline ${plan.deadline}`);
  const since = toUnixMs(condition.lastTransitionTime);
  return now > since + blindLimitMs ? say('judge', 'INVALID', 'no-evidence') : undefined;
}

/** The status with the reason why nobody can judge; the same object where that is known. */
export function withFailure(
  status: ExperimentRunStatus,
  failure: unknown,
  generation: number,
  now: number,
): ExperimentRunStatus {
  const known = failure instanceof CloverError;
  const claim: Claim = {
    type: evidenceAvailable,
    status: 'False',
    reason: known ? 'EvidenceUnavailable' : 'JudgingFailed',
    message: failure instanceof Error ? failure.message : String(failure),
  };
  return withClaim(status, claim, generation, now);
}

/** The status once the evidence has answered, and taken what there was to say; the same object where it always did. */
export function withAnswer(
  status: ExperimentRunStatus,
  generation: number,
  now: number,
): ExperimentRunStatus {
  if (!isBlind(status)) return status;
  const message = 'the store of evidence answers again';
  return withClaim(
    status,
    { type: evidenceAvailable, status: 'True', reason: 'Answers', message },
    generation,
    now,
  );
}

/** The status of a run that ended while it could not be judged; else the same object. */
export function withEnd(
  status: ExperimentRunStatus,
  generation: number,
  now: number,
): ExperimentRunStatus {
  if (!isFinal(status.phase) || !isBlind(status)) return status;
  const message = 'the run has ended: nobody asks any more';
  return withClaim(
    status,
    { type: evidenceAvailable, status: 'Unknown', reason: 'Complete', message },
    generation,
    now,
  );
}

/** Since when evidence can be asked for without a break, Unix ms; 0 where it always could. */
export function answersSince(status: ExperimentRunStatus, now: number): number {
  const condition = conditionOf(status);
  if (condition === undefined) return 0;
  return condition.status === 'False' ? now : toUnixMs(condition.lastTransitionTime);
}

/** Whether the run could not be judged the last time. */
export const isBlind = (status: ExperimentRunStatus): boolean =>
  conditionOf(status)?.status === 'False';

const conditionOf = ({ conditions }: ExperimentRunStatus) =>
  conditions?.find(({ type }) => type === evidenceAvailable);

function withClaim(
  status: ExperimentRunStatus,
  claim: Claim,
  generation: number,
  now: number,
): ExperimentRunStatus {
  const before = conditionOf(status);
  // What ClickHouse says differs from time to time: that is not worth a write each second.
  if (before?.status === claim.status && before.reason === claim.reason) return status;
  return { ...status, conditions: withConditions(status.conditions, [claim], generation, now) };
}
