import type { Phase } from '../../knative/resources/experiment.ts';

/** Phases that are never left. */
export const finalPhases: ReadonlySet<Phase> = new Set(['Succeeded', 'RolledBack', 'Failed']);

/** Whether a phase is never left. */
export function isFinal(phase: Phase | undefined): boolean {
  return phase !== undefined && finalPhases.has(phase);
}
