/*
 * The life of a run:
 *
 *   Pending ─► WarmingUp ─► Running ─┬─ PASS ──────────────► Verifying ─┬─ PASS ─► Succeeded
 *    waits for   plan[0],    plan[…] │                        100 %     │
 *    its turn    unjudged            └─ FAIL, INCONCLUSIVE, ──────────► RollingBack ─► RolledBack
 *                                       INVALID, cancelled               0 %       └─► Failed (drill missed)
 *
 * Pure: looks and facts come in, a status comes out. Every change of weights is an intent with the
 * next epoch, committed with the status before anything acts on it.
 */
import type {
  EvidenceSummary,
  ExperimentRunStatus,
  RunIntent,
} from '../../knative/resources/experiment-run.ts';
import type { ExperimentSpec, Verdict } from '../../knative/resources/experiment.ts';
import { durationMs } from '../lib/duration.ts';
import { isFinal } from '../lib/final-phase.ts';
import { toRfc3339, toUnixMs } from '../lib/rfc3339.ts';
import type { Conclusion, LookSummary } from './look.ts';
import { stepOf } from './plan.ts';

/** What the machine knows of the world whether or not there is evidence. */
interface PlainFacts {
  /** Unix ms. */
  readonly now: number;
  /** The newest intent has reached the gateway. */
  readonly applied: boolean;
  /** Why the run should end now: its experiment is deleted or changed. */
  readonly cancelled: string | undefined;
}

/** What the machine knows of the world, besides looks. */
export interface Facts extends PlainFacts {
  /** No older run is active on the same traffic. */
  readonly mayStart: boolean;
  /** Of the live agents, Unix ms; undefined when there are none. */
  readonly watermark: number | undefined;
  /** Unix second of the first stamped request of the run. */
  readonly firstBlock: number | undefined;
}

/** How long a step without a `hold` is held, unless it is the last one. */
const defaultHoldMs = 60_000;

/**
 * The status after time and events have passed; the same object when nothing changes. One call
 * makes at most one step, so that every intent is committed before the next.
 */
export function advance(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  facts: Facts,
): ExperimentRunStatus {
  const ended = goBack(plan, status, facts);
  if (ended !== undefined) return ended;
  const { phase = 'Pending' } = status;
  if (phase === 'Pending') return start(plan, status, facts);
  if (phase === 'WarmingUp') return warmUp(plan, status, facts);
  return phase === 'Running' ? step(plan, status, facts) : status;
}

/**
 * The status after time and events have passed without evidence: what ends a run does not wait for it, and without it nothing
 * begins or grows. A verdict that somebody else found meanwhile has the same right: whoever writes the status first.
 * @param said what time alone has decided.
 */
export function advanceBlind(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  facts: PlainFacts,
  said: Saying | undefined,
): ExperimentRunStatus {
  const ended = goBack(plan, status, facts);
  if (ended !== undefined) return ended;
  if (status.phase === undefined) return { ...status, phase: 'Pending' };
  return said === undefined ? status : follow(plan, status, said);
}

/** The status after a look; the same object when the look says nothing new about a final phase. */
export function conclude(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  look: { readonly number: number; readonly hash: string },
  said: Conclusion,
): ExperimentRunStatus {
  const phase = status.phase ?? 'Pending';
  if (isFinal(phase) || (status.look?.number ?? 0) >= look.number) return status;
  const seen: ExperimentRunStatus = {
    ...status,
    look: { number: look.number, hash: look.hash },
    // The judged window stays on record while the variant is watched.
    ...(said.stage === 'judge' ? { evidence: toEvidence(said.summary) } : {}),
  };
  return follow(plan, seen, said);
}

const toEvidence = ({ window, ...seen }: LookSummary): EvidenceSummary => ({
  ...seen,
  window: { from: toRfc3339(window.from), to: toRfc3339(window.to) },
});

/** What a look, or time, says of a run. */
export type Saying = Pick<Conclusion, 'stage' | 'outcome' | 'reason' | 'at'>;

function follow(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  said: Saying,
): ExperimentRunStatus {
  const { phase } = status;
  const judging = phase === 'WarmingUp' || phase === 'Running';
  const fits = said.stage === 'judge' ? judging : phase === 'Verifying';
  if (!fits) return status;
  const told = { ...status, reason: said.reason };
  if (said.outcome === 'CONTINUE') return told;
  if (said.stage === 'watch') {
    return said.outcome === 'PASS'
      ? { ...told, phase: 'Succeeded', endedAt: toRfc3339(said.at) }
      : rollBack({ ...told, verdict: said.outcome }, said.at);
  }
  const judged = { ...told, verdict: said.outcome, verdictAt: toRfc3339(said.at) };
  if (said.outcome === 'PASS' && plan.drill === undefined) {
    return { ...withIntent(judged, { variantWeight: 100 }, said.at), phase: 'Verifying' };
  }
  return rollBack(judged, said.at);
}

/** A drill that ended without a FAIL: the judge did not catch what it was meant to. */
export function drillMissed(plan: ExperimentSpec, verdict: Verdict | undefined): boolean {
  return plan.drill !== undefined && verdict !== 'FAIL';
}

type Wish = Omit<RunIntent, 'epoch' | 'at'>;

function withIntent(status: ExperimentRunStatus, wish: Wish, at: number): ExperimentRunStatus {
  const epoch = (status.intent?.epoch ?? 0) + 1;
  const intent: RunIntent = { epoch, ...wish, at: toRfc3339(at) };
  return { ...status, intent, intents: [...(status.intents ?? []), intent] };
}

const rollBack = (status: ExperimentRunStatus, at: number): ExperimentRunStatus => ({
  ...withIntent(status, { variantWeight: 0 }, at),
  phase: 'RollingBack',
});

/** What is over, or has to be, whatever the evidence says; undefined where it has a say. */
function goBack(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  { now, applied, cancelled }: PlainFacts,
): ExperimentRunStatus | undefined {
  if (isFinal(status.phase)) return status;
  if (status.phase === 'RollingBack') return applied ? end(plan, status, now) : status;
  return cancelled === undefined ? undefined : cancel(status, cancelled, now);
}

function end(plan: ExperimentSpec, status: ExperimentRunStatus, now: number): ExperimentRunStatus {
  const phase = drillMissed(plan, status.verdict) ? 'Failed' : 'RolledBack';
  return { ...status, phase, endedAt: toRfc3339(now) };
}

function cancel(status: ExperimentRunStatus, reason: string, now: number): ExperimentRunStatus {
  const at = toRfc3339(now);
  if (status.intent === undefined) return { ...status, phase: 'RolledBack', reason, endedAt: at };
  const { verdict = 'INCONCLUSIVE', verdictAt = at } = status;
  return rollBack({ ...status, verdict, verdictAt, reason }, now);
}

function start(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  facts: Facts,
): ExperimentRunStatus {
  if (!facts.mayStart) return status.phase === undefined ? { ...status, phase: 'Pending' } : status;
  const started = { ...status, startedAt: toRfc3339(facts.now) };
  const variantWeight = plan.plan[0]?.weight ?? 50;
  return { ...withIntent(started, { variantWeight }, facts.now), phase: 'WarmingUp' };
}

/** The first block only trains the baseline, so that a warm-up is a second at least. */
function warmUp(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  { now, firstBlock, watermark }: Facts,
): ExperimentRunStatus {
  const judgedFrom = toUnixMs(status.judgedFrom);
  if (judgedFrom === undefined) {
    if (firstBlock === undefined) return status;
    const seconds = Math.max(1, Math.ceil(durationMs(plan.warmUp) / 1_000));
    return { ...status, judgedFrom: toRfc3339((firstBlock + seconds) * 1_000) };
  }
  // By the agents' clock, which judgedFrom is of, where it is ahead of ours.
  if (Math.max(now, watermark ?? 0) < judgedFrom) return status;
  const running: ExperimentRunStatus = { ...status, phase: 'Running' };
  if (plan.drill === undefined) return running;
  const variantWeight = status.intent?.variantWeight ?? 50;
  return withIntent(running, { variantWeight, fault: plan.drill.fault }, now);
}

/** The next weight after the hold, but never blindly: without live agents the weights stay. */
function step(
  plan: ExperimentSpec,
  status: ExperimentRunStatus,
  { now, watermark }: Facts,
): ExperimentRunStatus {
  const { intent } = status;
  if (intent === undefined || watermark === undefined) return status;
  const current = plan.plan[stepOf(intent)];
  const next = plan.plan[stepOf(intent) + 1];
  if (current === undefined || next === undefined) return status;
  const holdMs = current.hold === undefined ? defaultHoldMs : durationMs(current.hold);
  // A first block in our future is of an agent whose clock is ahead.
  const judgedFrom = toUnixMs(status.judgedFrom) ?? 0;
  const at = toUnixMs(intent.at);
  const since = judgedFrom > now ? at : Math.max(at, judgedFrom);
  if (now < since + holdMs) return status;
  const fault = intent.fault === undefined ? {} : { fault: intent.fault };
  return withIntent(status, { variantWeight: next.weight, ...fault }, now);
}
