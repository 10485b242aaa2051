import { conditionMessageMax } from '../../knative/resources/condition-message.ts';
import type { Condition } from '../../knative/resources/meta.ts';
import { toRfc3339 } from './rfc3339.ts';

/** What is said about a condition, without its history. */
export type Claim = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/**
 * Conditions with the claims in place of what they said before. The transition time moves only
 * when a status changes, as the Kubernetes API conventions ask.
 */
export function withConditions(
  before: readonly Condition[] | undefined,
  claims: readonly Claim[],
  generation: number,
  now: number,
): Condition[] {
  const old = new Map((before ?? []).map((condition) => [condition.type, condition]));
  for (const claim of claims) {
    const known = old.get(claim.type);
    const kept = known?.status === claim.status ? known.lastTransitionTime : undefined;
    old.set(claim.type, {
      ...claim,
      // What a gateway says may be of any length, and a status that is too long could not be stored at all.
      message: claim.message.slice(0, conditionMessageMax),
      observedGeneration: generation,
      lastTransitionTime: kept ?? toRfc3339(now),
    });
  }
  return [...old.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** Status of a condition, or undefined where nobody said anything. */
export function statusOf(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition['status'] | undefined {
  return conditions?.find((condition) => condition.type === type)?.status;
}
