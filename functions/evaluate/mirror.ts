import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Condition } from '../../knative/resources/meta.ts';
import type { Experiment, ExperimentStatus, Phase } from '../../knative/resources/experiment.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { withConditions, type Claim } from '../lib/conditions.ts';
import { isFinal } from '../lib/final-phase.ts';
import { evidenceAvailable } from './blind.ts';
import { drillMissed } from './machine.ts';
import { resolveRefs } from './overlay.ts';
import { stepOf } from './plan.ts';

/** A run, with what else the status of its experiment rests on. */
export interface Mirror {
  readonly run: ExperimentRun;
  /** The run of another experiment that it waits for. */
  readonly blocker: string | undefined;
  /** Earlier runs of the same experiment; a success among them may still hold its overlay. */
  readonly overlays: readonly ExperimentRun[];
}

/**
 * The experiment's status: a mirror of its newest run, and what stands in its way.
 * @param refused why there cannot be a run of this spec.
 */
export function mirrorStatus(
  experiment: Experiment,
  policy: TrafficPolicy | undefined,
  seen: Mirror | undefined,
  now: number,
  refused?: string,
): ExperimentStatus {
  const { generation } = experiment.metadata;
  const refs = resolveRefs(experiment.spec, policy);
  const claims = [refs, ...(seen === undefined ? [waiting(refs, refused)] : progress(seen))];
  // What was said of an earlier run does not hold for one that could always be judged.
  const isTold = claims.some(({ type }) => type === evidenceAvailable);
  const before = (experiment.status.conditions ?? []).filter(
    ({ type }) => isTold || type !== evidenceAvailable,
  );
  const conditions = withConditions(before, claims, generation, now);
  const base = { observedGeneration: generation, conditions };
  if (seen === undefined) return { ...base, phase: 'Pending' };
  const { phase = 'Pending', verdict, intent } = seen.run.status;
  const { plan } = seen.run.spec.plan;
  return {
    ...base,
    phase,
    run: seen.run.metadata.name,
    ...(intent !== undefined && { weight: intent.variantWeight }),
    ...(intent !== undefined &&
      isDivided(phase) && { step: `${stepOf(intent) + 1}/${plan.length}` }),
    ...(verdict !== undefined && { verdict }),
  };
}

/** Whether a step of the plan is held. */
const isDivided = (phase: Phase): boolean => phase === 'WarmingUp' || phase === 'Running';

/** Whether two statuses say the same. */
export function sameStatus(a: ExperimentStatus, b: ExperimentStatus): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

const claim = (type: string, status: 'True' | 'False', reason: string, message: string): Claim => ({
  type,
  status,
  reason,
  message,
});

const waiting = (refs: Claim, refused: string | undefined): Claim =>
  refused === undefined
    ? claim('Progressing', 'False', 'RefsNotResolved', refs.message)
    : claim('Progressing', 'False', 'SpecNotUnderstood', refused);

/** What a run says of whether it can be judged; undefined where it always could. */
function judgeable({ status }: ExperimentRun): Claim | undefined {
  const found = status.conditions?.find(({ type }) => type === evidenceAvailable);
  return found && claimOf(found);
}

function progress({ run, blocker, overlays }: Mirror): Claim[] {
  const { phase = 'Pending', reason = isFinal(phase) ? '' : waitsFor(run) } = run.status;
  const evidence = judgeable(run);
  const claims = [overlayOf([run, ...overlays]), ...(evidence === undefined ? [] : [evidence])];
  if (isFinal(phase)) {
    const ended = claim('Complete', 'True', ending(run), reason);
    return [...claims, ended, claim('Progressing', 'False', 'Complete', `the run is ${phase}`)];
  }
  const open = claim('Complete', 'False', 'RunActive', `the run is ${phase}`);
  if (blocker !== undefined && phase === 'Pending') {
    const message = `waits for run ${blocker} on the same traffic`;
    return [...claims, open, claim('Progressing', 'False', 'AnotherRunActive', message)];
  }
  // A roll-back needs no evidence.
  if (evidence?.status === 'False' && phase !== 'RollingBack') {
    return [...claims, open, { ...evidence, type: 'Progressing' }];
  }
  return [...claims, open, claim('Progressing', 'True', phase, reason)];
}

/** What a run waits for of which there is no look yet. */
function waitsFor({ spec, status: { intent, judgedFrom } }: ExperimentRun): string {
  if (intent === undefined) return 'the traffic is not divided yet';
  if (judgedFrom === undefined) return 'waits for the first request that an agent sees of this run';
  return `warms up for ${spec.plan.warmUp}`;
}

/** Why a run is complete, in a word. */
function ending(run: ExperimentRun): string {
  const { phase, verdict, intent } = run.status;
  if (phase === 'Succeeded') return 'Passed';
  if (intent === undefined) return 'Cancelled';
  if (run.spec.plan.drill === undefined) return 'RolledBack';
  return drillMissed(run.spec.plan, verdict) ? 'DrillMissed' : 'DrillCaught';
}

/** `OverlayActive` of the first run that still has one, else of the newest that ever had. */
function overlayOf(runs: readonly ExperimentRun[]): Claim {
  const all = runs
    .flatMap((run) => run.status.conditions ?? [])
    .filter((condition) => condition.type === 'OverlayActive');
  const found = all.find((condition) => condition.status === 'True') ?? all[0];
  if (found === undefined) {
    return claim('OverlayActive', 'False', 'NoIntent', 'the run has not touched any traffic');
  }
  return claimOf(found);
}

const claimOf = ({ type, status, reason, message }: Condition): Claim => ({
  type,
  status,
  reason,
  message,
});
