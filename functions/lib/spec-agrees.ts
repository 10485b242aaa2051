import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';

/**
 * Whether a succeeded run has nothing left to hold: no split gives the control any weight, or the
 * spec no longer has the variant, or the policy was made anew after the run.
 */
export function specAgrees(policy: TrafficPolicy, run: ExperimentRun): boolean {
  const { control, variant } = run.spec.plan;
  return (
    createdAt(policy) > createdAt(run) ||
    policy.spec.versions.every((version) => version.name !== variant) ||
    policy.spec.rules.every((rule) =>
      rule.split.every((part) => part.version !== control || part.weight === 0),
    )
  );
}

function createdAt(object: TrafficPolicy | ExperimentRun): number {
  return Date.parse(object.metadata.creationTimestamp);
}
