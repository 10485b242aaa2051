import type { Kind } from '../../knative/resources/kinds.ts';
import { knownVersions, uniqueNames } from '../../knative/resources/policy-rules.ts';
import {
  trafficPolicySpec,
  type TrafficPolicySpec,
  type TrafficRule,
} from '../../knative/resources/traffic-policy.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import { valueText } from '../lib/problem-words.ts';
import { matchProblems } from './match-problems.ts';
import { hiders } from './subsume.ts';

/** A problem that no schema and no rule in CEL can say, or none can say as well. */
export interface LintProblem extends ErrorDetail {
  /** The rule in CEL that is broken with it: this problem says the same, with the place. */
  readonly refines?: string;
}

/**
 * Lint: what CEL cannot say. RE2's syntax, texts that no request has, rules that can never match, and near
 * misses of names. Pure; on Kubernetes it is for an admission webhook to call.
 * @param spec One that its schema takes; it may break rules.
 */
export function lint(kind: Kind, spec: unknown): LintProblem[] {
  if (kind !== 'TrafficPolicy') return [];
  const policy = trafficPolicySpec.parse(spec);
  const hidden = hiders(policy.rules);
  const versionProblem = versionCheck(policy.versions);
  return policy.rules.flatMap((rule, index) => {
    const field = `spec.rules[${index}]`;
    const matches = rule.match ?? [];
    return unknownVersions(rule, versionProblem, field).concat(
      sameName(policy.rules, index),
      matches.flatMap((match, at) => matchProblems(match, `${field}.match[${at}]`)),
      deadRule(policy.rules, index, hidden[index]),
    );
  });
}

/** Unknown versions of a policy that get a near miss, which costs a comparison by letters with every known one. */
const mostGuesses = 16;

/** Says, once for every version, why it is not known; undefined for one that is. */
function versionCheck(versions: TrafficPolicySpec['versions']) {
  const names = versions.map(({ name }) => name);
  const said = new Map<string, string | undefined>(names.map((name) => [name, undefined]));
  return (version: string): string | undefined => {
    if (!said.has(version)) {
      const meant = said.size < names.length + mostGuesses ? version : undefined;
      said.set(version, valueText(`found "${version}", not in spec.versions`, meant, names));
    }
    return said.get(version);
  };
}

function unknownVersions(
  { split }: TrafficRule,
  problem: ReturnType<typeof versionCheck>,
  field: string,
): LintProblem[] {
  return split.flatMap(({ version }, index) => {
    const message = problem(version);
    if (message === undefined) return [];
    return [{ field: `${field}.split[${index}].version`, message, refines: knownVersions.rule }];
  });
}

function sameName(rules: readonly TrafficRule[], index: number): LintProblem[] {
  const name = rules[index]?.name;
  const first = rules.findIndex((rule) => rule.name === name);
  if (name === undefined || first === index) return [];
  const message = `found "${name}" again, as in spec.rules[${first}].name`;
  return [{ field: `spec.rules[${index}].name`, message, refines: uniqueNames.rule }];
}

function deadRule(
  rules: readonly TrafficRule[],
  index: number,
  hider: number | undefined,
): LintProblem[] {
  if (hider === undefined) return [];
  const rule = rules[hider];
  const label = rule?.name === undefined ? '' : ` ("${rule.name}")`;
  const why =
    rule?.match === undefined ? 'takes every request' : 'takes every request that it would match';
  return [
    {
      field: `spec.rules[${index}]`,
      message: `can never match: spec.rules[${hider}]${label} ${why}; move it up or remove it`,
    },
  ];
}
