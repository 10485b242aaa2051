import type {
  Fault,
  RequestMatch,
  TextMatch,
  TrafficPolicySpec,
  TrafficRule,
} from '../../knative/resources/traffic-policy.ts';
import { durationMs } from '../lib/duration.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { show } from './field-errors.ts';
import { re2Problem } from './re2.ts';
import { hiddenBy } from './subsume.ts';

/** Everything that is wrong across the fields of a TrafficPolicy that fits its schema. */
export function trafficPolicyProblems(spec: TrafficPolicySpec): ErrorDetail[] {
  return [
    ...duplicates(
      spec.versions,
      (index) => `spec.versions[${index}].name`,
      ({ name }) => name,
    ),
    ...spec.versions.flatMap(({ endpoints }, version) =>
      duplicates(
        endpoints,
        (index) => `spec.versions[${version}].endpoints[${index}]`,
        ({ address, port }) => `${address} port ${port}`,
      ),
    ),
    ...duplicates(
      spec.rules,
      (index) => `spec.rules[${index}].name`,
      ({ name }) => name,
    ),
    ...spec.rules.flatMap((rule, index) => ruleProblems(rule, `spec.rules[${index}]`, spec)),
    ...spec.rules.flatMap((_, index) => deadRule(spec.rules, index)),
  ];
}

/** Every entry whose key an earlier entry has too. */
export function duplicates<T>(
  entries: readonly T[],
  field: (index: number) => string,
  key: (entry: T) => string | number | undefined,
): ErrorDetail[] {
  const keys = entries.map(key);
  return keys.flatMap((value, index) => {
    const first = keys.indexOf(value);
    if (value === undefined || first === index) return [];
    return [{ field: field(index), message: `found ${show(value)} again, as in ${field(first)}` }];
  });
}

/** A fault whose delay is no delay. */
export function faultProblems(fault: Fault | undefined, field: string): ErrorDetail[] {
  return durationProblems(fault?.delay?.duration, `${field}.delay.duration`);
}

const yearMs = 365 * 24 * 3_600_000;

/**
 * A span of time that is too short, or longer than any use of it.
 * @param leastMs the shortest that is taken.
 */
export function durationProblems(
  text: string | undefined,
  field: string,
  leastMs = 1,
): ErrorDetail[] {
  if (text === undefined) return [];
  const ms = durationMs(text);
  if (ms >= leastMs && ms <= yearMs) return [];
  const least = leastMs === 0 ? '' : 'more than 0 and ';
  return [{ field, message: `found "${text}"; must be ${least}at most a year` }];
}

function ruleProblems(rule: TrafficRule, field: string, spec: TrafficPolicySpec): ErrorDetail[] {
  const names = spec.versions.map(({ name }) => name);
  const total = rule.split.reduce((sum, { weight }) => sum + weight, 0);
  return [
    ...rule.split.flatMap(({ version, fault }, index) => [
      ...unknownVersion(version, names, `${field}.split[${index}].version`),
      ...faultProblems(fault, `${field}.split[${index}].fault`),
    ]),
    ...duplicates(
      rule.split,
      (index) => `${field}.split[${index}].version`,
      (s) => s.version,
    ),
    ...(total > 0
      ? []
      : [
          {
            field: `${field}.split`,
            message: 'found weights that sum to 0; must sum to more than 0',
          },
        ]),
    ...durationProblems(rule.timeout, `${field}.timeout`),
    ...(rule.match ?? []).flatMap((match, index) =>
      matchProblems(match, `${field}.match[${index}]`),
    ),
  ];
}

function matchProblems({ path, headers = [] }: RequestMatch, field: string): ErrorDetail[] {
  return [
    ...textProblems(path, `${field}.path`, impossiblePath),
    ...headers.flatMap(({ value }, index) =>
      textProblems(value, `${field}.headers[${index}].value`, impossibleValue),
    ),
  ];
}

/** What no request can have: a match of it would be a rule that never matches. */
function impossiblePath(text: string): string | undefined {
  if (!text.startsWith('/')) return 'must begin with "/"';
  return /^[!-"$->@-~]*$/.test(text)
    ? undefined
    : 'must be percent-encoded, without the query ("?") and the fragment ("#")';
}

function impossibleValue(text: string): string | undefined {
  return text.isWellFormed() && /^[\t\x20-\x7e\u0080-\u{10ffff}]*$/u.test(text)
    ? undefined
    : 'must not hold control characters or half characters';
}

function textProblems(
  match: TextMatch | undefined,
  field: string,
  impossible: (text: string) => string | undefined,
): ErrorDetail[] {
  return Object.entries(match ?? {}).flatMap(([way, text = '']) => {
    const problem = way === 'regex' ? re2Problem(text) : impossible(text);
    if (problem === undefined) return [];
    const message =
      way === 'regex' ? `which ${problem}; must be an RE2 expression` : `which ${problem}`;
    return [{ field: `${field}.${way}`, message: `found ${show(text)}, ${message}` }];
  });
}

function unknownVersion(version: string, names: readonly string[], field: string): ErrorDetail[] {
  if (names.includes(version)) return [];
  const meant = nearest(version, names);
  const hint = meant === undefined ? '' : `, did you mean "${meant}"?`;
  const allowed = names.map((name) => `"${name}"`).join(', ');
  return [
    { field, message: `found "${version}"${hint}; not in spec.versions, allowed: ${allowed}` },
  ];
}

function deadRule(rules: readonly TrafficRule[], index: number): ErrorDetail[] {
  const hider = hiddenBy(rules, index);
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
