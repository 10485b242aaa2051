import type { ExperimentRun, ExperimentRunStatus } from '../../knative/resources/experiment-run.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import type { Clock } from '../lib/clock.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { EvidenceStore, Look } from '../evidence/evidence-store.ts';
import { answersSince, decideBlind, isBlind, withAnswer, withEnd, withFailure } from './blind.ts';
import { defaultOpenTimeoutMs, judge, type JudgeInput } from './judge.ts';
import { chainLook, readConclusion, type LookBody } from './look.ts';
import { isFinal } from '../lib/final-phase.ts';
import { toUnixMs } from '../lib/rfc3339.ts';
import { advance, advanceBlind, conclude } from './machine.ts';
import { isApplied, withOverlay } from './overlay.ts';
import { watch } from './watch.ts';
import { sealedUntil } from './window.ts';

/** A source that has not reported for this long does not hold the watermark back any more. */
const staleAfterMs = 15_000;

/** Without news only time can decide: then once in a while is enough, ms. */
const idleLookMs = 1_000;

/** A run takes a handful of steps at a time; more means a circle. */
const maxSteps = 50;

/** Dependencies of {@link stepRun}. */
export interface StepContext {
  readonly resources: ResourceStore;
  readonly evidence: EvidenceStore;
  readonly clock: Clock;
  /** Since when this process takes evidence, Unix ms. */
  readonly listeningSince: number;
  /** Called once per appended look. */
  readonly onLook: (body: LookBody) => void;
  /** Called once per run that was to be judged and could not be. */
  readonly onBlind: (failure: unknown) => void;
}

/** What only the experiment's side knows. */
export interface StepOptions {
  readonly policy: TrafficPolicy | undefined;
  readonly mayStart: boolean;
  readonly cancelled: string | undefined;
}

/**
 * Takes a run as far as evidence and time allow. A look is appended before the status that rests
 * on it; a status that lags behind the newest look is brought up from that look, so that a crash
 * between the two changes nothing. Where the evidence cannot be had, time and its user still end the run.
 *
 * @throws CloverError CLV_CONFLICT when someone else wrote the run meanwhile: read and step again.
 */
export async function stepRun(
  context: StepContext,
  run: ExperimentRun,
  options: StepOptions,
): Promise<ExperimentRun> {
  let current = run;
  let failure: { readonly cause: unknown } | undefined;
  for (let steps = 0; steps < maxSteps; steps += 1) {
    let next: ExperimentRunStatus | 'again';
    try {
      next =
        failure === undefined
          ? await nextStatus(context, current, options)
          : blindStatus(context, current, options, failure.cause);
    } catch (cause) {
      // Not asked again in this step: a store that hangs would be waited for each time.
      failure = { cause };
      context.onBlind(cause);
      continue;
    }
    if (next === 'again') continue;
    const now = context.clock.now();
    const status = withOverlay(current, next, options.policy, now);
    if (status === current.status) return current;
    current = await context.resources.patchStatus<'ExperimentRun'>(current, status);
  }
  return current;
}

async function nextStatus(
  context: StepContext,
  run: ExperimentRun,
  options: StepOptions,
): Promise<ExperimentRunStatus | 'again'> {
  const { status, metadata, spec } = run;
  if (isFinal(status.phase)) return status;
  const { evidence, clock } = context;
  const answered = (next: ExperimentRunStatus): ExperimentRunStatus =>
    withAnswer(next, metadata.generation, clock.now());
  const last = await evidence.lastLook(metadata.name);
  if (last !== undefined && last.number > (status.look?.number ?? 0)) {
    return conclude(spec.plan, status, last, readConclusion(last));
  }
  const needed = status.judgedFrom === undefined || status.phase === 'RollingBack';
  const seen = needed ? await evidence.cells(metadata.name) : [];
  const watermark = await evidence.watermark(clock.now(), staleAfterMs);
  const facts = {
    now: clock.now(),
    watermark,
    mayStart: options.mayStart,
    firstBlock: seen.find((cell) => cell.run === metadata.name && cell.started > 0)?.block,
    applied: isApplied(run, seen, options.policy, clock.now()),
    cancelled: options.cancelled,
  };
  // One that may be read may still take no look: until it has taken what there is, nothing begins or grows.
  const moved = isBlind(status)
    ? advanceBlind(spec.plan, status, facts, undefined)
    : advance(spec.plan, status, facts);
  if (moved !== status) return withEnd(moved, metadata.generation, clock.now());

  const body = await lookAt(context, run, last, watermark);
  if (body === undefined) return answered(status);
  const look = chainLook(last, body);
  if (!(await evidence.appendLook(look))) return 'again';
  context.onLook(body);
  return answered(conclude(spec.plan, status, look, readConclusion(look)));
}

/** The next status of a run that cannot be judged now. */
function blindStatus(
  { clock }: StepContext,
  run: ExperimentRun,
  { policy, cancelled }: StepOptions,
  failure: unknown,
): ExperimentRunStatus {
  const { plan } = run.spec;
  const { generation } = run.metadata;
  const now = clock.now();
  const status = withFailure(run.status, failure, generation, now);
  const facts = { now, applied: isApplied(run, [], policy, now), cancelled };
  const moved = advanceBlind(plan, status, facts, decideBlind(plan, status, now));
  return withEnd(moved, generation, now);
}

/** A look, if evidence was sealed since the last one or time decides. */
async function lookAt(
  context: StepContext,
  run: ExperimentRun,
  last: Look | undefined,
  watermark: number | undefined,
): Promise<LookBody | undefined> {
  const { phase, intents, verdictAt } = run.status;
  const startedAt = toUnixMs(run.status.startedAt);
  const judging = phase === 'WarmingUp' || phase === 'Running';
  if (startedAt === undefined || !(judging || phase === 'Verifying')) return undefined;
  const now = context.clock.now();
  const before = last === undefined ? undefined : readConclusion(last);
  const sealed = before === undefined || sealedUntil(watermark) > before.summary.window.to;
  if (!sealed && now - before.at < idleLookMs) return undefined;
  const input: JudgeInput = {
    run: run.metadata.name,
    plan: run.spec.plan,
    intents: intents ?? [],
    startedAt,
    judgedFrom: toUnixMs(run.status.judgedFrom),
    cells: await context.evidence.cells(run.metadata.name),
    watermark,
    openTimeoutMs: (await context.evidence.openTimeoutMs()) ?? defaultOpenTimeoutMs,
    now,
    heardAt: await context.evidence.heardAt(),
    listeningSince: Math.max(context.listeningSince, answersSince(run.status, now)),
  };
  const finding = judging
    ? judge(input)
    : watch({ ...input, verdictAt: toUnixMs(verdictAt) ?? now });
  if (finding.outcome === 'CONTINUE') {
    const { window, samples } = finding.summary;
    if (phase === 'WarmingUp' || window.to <= (before?.summary.window.to ?? 0)) return undefined;
    if (samples.variant + samples.control === 0) return undefined;
  }
  return {
    ...finding,
    stage: judging ? 'judge' : 'watch',
    run: input.run,
    number: (last?.number ?? 0) + 1,
    at: now,
    watermark: watermark ?? null,
    openTimeoutMs: input.openTimeoutMs,
  };
}
