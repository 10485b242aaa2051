import type { ExperimentRun, ExperimentRunStatus } from '../../knative/resources/experiment-run.ts';
import type { ExperimentSpec } from '../../knative/resources/experiment.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import { specAgrees } from '../lib/spec-agrees.ts';
import { statusOf, withConditions, type Claim } from '../lib/conditions.ts';
import { toUnixMs } from '../lib/rfc3339.ts';
import type { BlockCell } from '../evidence/evidence-store.ts';
import { isFinal } from '../lib/final-phase.ts';

/** With no traffic to show it, a programmed gateway is believed this long after the intent. */
const quietMs = 5_000;

/** Whether what the experiment refers to exists, as the condition `ResolvedRefs`. */
export function resolveRefs(plan: ExperimentSpec, policy: TrafficPolicy | undefined): Claim {
  const type = 'ResolvedRefs';
  const { name } = plan.targetRef;
  if (policy === undefined || policy.metadata.deletionTimestamp !== undefined) {
    const message = `TrafficPolicy "${name}" does not exist`;
    return { type, status: 'False', reason: 'TargetNotFound', message };
  }
  const denial = denialOf(policy);
  if (denial !== undefined) {
    const message = `TrafficPolicy "${name}" is not ${denial.toLowerCase()}: see its condition ${denial}`;
    return { type, status: 'False', reason: denials[denial], message };
  }
  const known = policy.spec.versions.map((version) => version.name);
  const unknown = [plan.control, plan.variant].filter((version) => !known.includes(version));
  if (unknown.length > 0) {
    const message = `TrafficPolicy "${name}" has no version ${unknown.join(', ')}; it has ${known.join(', ')}`;
    return { type, status: 'False', reason: 'VersionNotFound', message };
  }
  return { type, status: 'True', reason: 'Resolved', message: 'target and versions exist' };
}

/** What an experiment says of its policy, by the policy's condition by which nothing of it is in force. */
const denials = { Accepted: 'TargetNotAccepted', Programmed: 'TargetNotProgrammed' } as const;

/** Why a mesh has nothing of a policy in force: there is none, or the target that requests would go to is not there. */
const unreachable: ReadonlySet<string> = new Set(['MeshNotFound', 'TargetNotFound']);

/** That condition: another policy has its target, or no request can follow it. */
function denialOf({ metadata, status }: TrafficPolicy): keyof typeof denials | undefined {
  const denied = (status.conditions ?? []).filter(
    (one) => one.status === 'False' && one.observedGeneration === metadata.generation,
  );
  if (denied.some(({ type }) => type === 'Accepted')) return 'Accepted';
  // What else a mesh refuses leaves in force what was there before.
  const isUnreachable = denied.some(
    ({ type, reason }) => type === 'Programmed' && unreachable.has(reason),
  );
  return isUnreachable ? 'Programmed' : undefined;
}

/**
 * Whether the newest intent steers the traffic: a stamp with its epoch was seen, or the gateway
 * is programmed and no request of the run came since, or there is no policy with this traffic any more.
 */
export function isApplied(
  run: ExperimentRun,
  cells: readonly BlockCell[],
  policy: TrafficPolicy | undefined,
  now: number,
): boolean {
  const { intent } = run.status;
  if (intent === undefined) return false;
  if (policy === undefined || denialOf(policy) !== undefined) return true;
  const own = cells.filter((cell) => cell.run === run.metadata.name && cell.started > 0);
  if (own.some((cell) => cell.epoch >= intent.epoch)) return true;
  const at = toUnixMs(intent.at);
  if (now < at + quietMs) return false;
  if (statusOf(policy.status.conditions, 'Programmed') !== 'True') return false;
  return !own.some((cell) => cell.block * 1_000 > at + quietMs / 5);
}

/** The run's status with its condition `OverlayActive`, which never comes back once it went. */
export function withOverlay(
  run: ExperimentRun,
  status: ExperimentRunStatus,
  policy: TrafficPolicy | undefined,
  now: number,
): ExperimentRunStatus {
  if (status.intent === undefined) return status;
  const claim = overlayClaim(run, status, policy);
  const before = status.conditions?.find(({ type }) => type === claim.type);
  if (before?.status === 'False' || before?.reason === claim.reason) return status;
  const generation = run.metadata.generation;
  return { ...status, conditions: withConditions(status.conditions, [claim], generation, now) };
}

function overlayClaim(
  run: ExperimentRun,
  status: ExperimentRunStatus,
  policy: TrafficPolicy | undefined,
): Claim {
  const type = 'OverlayActive';
  const { control, variant } = run.spec.plan;
  if (!isFinal(status.phase)) {
    const message = 'the intent of the run lies over the spec of the policy';
    return { type, status: 'True', reason: 'RunActive', message };
  }
  if (status.phase !== 'Succeeded') {
    // A quiet gateway was believed; what was last given to it says whether that was right.
    if (policy?.status.overlays?.includes(run.metadata.name) === true) {
      const message = 'until the gateway has taken back what the run has changed';
      return { type, status: 'True', reason: 'RollingBack', message };
    }
    const message = 'traffic follows the spec of the policy again';
    return { type, status: 'False', reason: 'RolledBack', message };
  }
  if (policy === undefined || specAgrees(policy, run)) {
    const message = `the spec of the policy sends the traffic to ${variant} by itself`;
    return { type, status: 'False', reason: 'SpecAgrees', message };
  }
  const message = `until the spec of the policy gives ${control} no weight`;
  return { type, status: 'True', reason: 'SpecDiffers', message };
}
