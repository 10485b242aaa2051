import { toUnixMs } from '../lib/rfc3339.ts';
import { specAgrees } from '../lib/spec-agrees.ts';
import type { ExperimentRun, RunIntent } from '../../knative/resources/experiment-run.ts';
import type { Phase } from '../../knative/resources/experiment.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';

/** One run's intent as it lies over a policy's spec. */
export interface Overlay {
  readonly run: string;
  readonly control: string;
  readonly variant: string;
  readonly intent: RunIntent;
  /** The run has succeeded: the overlay only waits for the spec to agree with it. */
  readonly awaitsSpec: boolean;
}

/** What {@link activeOverlays} finds. */
export interface ActiveOverlays {
  /** Oldest run first. */
  readonly active: readonly Overlay[];
  /** Uids of this policy's runs whose overlay is given back for good. */
  readonly released: readonly string[];
}

const overlaidPhases: ReadonlySet<Phase> = new Set<Phase>([
  'WarmingUp',
  'Running',
  'Verifying',
  'RollingBack',
  'Succeeded',
]);

/**
 * The runs whose intent lies over the policy's spec.
 *
 * A run counts if its plan targets the policy, it has an intent, both its versions are in the spec, and its phase
 * is WarmingUp, Running, Verifying, RollingBack or Succeeded: `Pending` has not begun, and `RolledBack` and `Failed` have
 * given their intent back.
 *
 * A Succeeded run holds its traffic until the spec agrees: no split gives the control any weight, or
 * the spec no longer has the variant, or the policy was made anew after the run. From then on the
 * run is `released`, and stays so whatever the spec says later: a user who goes back to
 * the old version by hand must not be overruled by an old success. `released` is therefore an
 * input as well, kept with the snapshot that it took effect in.
 */
export function activeOverlays(
  policy: TrafficPolicy,
  runs: readonly ExperimentRun[],
  released: ReadonlySet<string>,
): ActiveOverlays {
  const versions = new Set(policy.spec.versions.map((version) => version.name));
  const active: Overlay[] = [];
  const nowReleased: string[] = [];
  for (const run of runs.filter((each) => targets(each, policy)).sort(byAge)) {
    const { phase, intent } = run.status;
    const { control, variant } = run.spec.plan;
    if (intent === undefined || phase === undefined || !overlaidPhases.has(phase)) continue;
    const awaitsSpec = phase === 'Succeeded';
    if (awaitsSpec && (released.has(run.metadata.uid) || specAgrees(policy, run))) {
      nowReleased.push(run.metadata.uid);
    } else if (versions.has(control) && versions.has(variant)) {
      active.push({ run: run.metadata.name, control, variant, intent, awaitsSpec });
    }
  }
  return { active, released: nowReleased };
}

/** Whether the run is one on the policy's traffic. */
export function targets(run: ExperimentRun, policy: TrafficPolicy): boolean {
  return (
    run.metadata.namespace === policy.metadata.namespace &&
    run.spec.plan.targetRef.name === policy.metadata.name
  );
}

function createdAt(object: TrafficPolicy | ExperimentRun): number {
  return toUnixMs(object.metadata.creationTimestamp);
}

const startedAt = ({ status }: ExperimentRun): number => toUnixMs(status.startedAt) ?? 0;

function byAge(left: ExperimentRun, right: ExperimentRun): number {
  return (
    createdAt(left) - createdAt(right) ||
    startedAt(left) - startedAt(right) ||
    (left.metadata.name < right.metadata.name ? -1 : 1)
  );
}
