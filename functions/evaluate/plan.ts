import type { RunIntent } from '../../knative/resources/experiment-run.ts';
import type { ExperimentSpec } from '../../knative/resources/experiment.ts';

/**
 * The plan's step that an intent of divided traffic stands for, from 0. A drill repeats its first
 * step: without the fault while it warms up, then with it.
 */
export function stepOf(intent: RunIntent): number {
  return intent.epoch - 1 - (intent.fault === undefined ? 0 : 1);
}

/** Whether an intent holds the last step of the plan. */
export function isLastStep(plan: ExperimentSpec, intent: RunIntent | undefined): boolean {
  return intent !== undefined && stepOf(intent) >= plan.plan.length - 1;
}
