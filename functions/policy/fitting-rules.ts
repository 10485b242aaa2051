import type { TrafficPolicy, TrafficRule } from '../../knative/resources/traffic-policy.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import { matchProblems } from '../resources/match-problems.ts';

/** What a gateway can carry of a policy's rules. */
export interface FittingRules {
  /** With its place in the spec. */
  readonly rules: readonly { readonly rule: TrafficRule; readonly index: number }[];
  /** Matches that no request can fit, and that some gateways refuse with everything around them: they are left out. */
  readonly ignored: readonly ErrorDetail[];
}

/**
 * Leaves out what lint would have refused, had it been asked: on Kubernetes a webhook does that, and may be down. The rest of the
 * policy, and the policies beside it, keep their traffic, and runs on them can be rolled back.
 */
export function fittingRules({ spec }: TrafficPolicy): FittingRules {
  const ignored: ErrorDetail[] = [];
  const rules = spec.rules.flatMap((rule, index) => {
    if (rule.match === undefined) return [{ rule, index }];
    const match = rule.match.filter((each, at) => {
      const problems = matchProblems(each, `spec.rules[${index}].match[${at}]`);
      ignored.push(...problems);
      return problems.length === 0;
    });
    return match.length === 0 ? [] : [{ rule: { ...rule, match }, index }];
  });
  return { rules, ignored };
}
