import type {
  RequestMatch,
  TextMatch,
  TrafficRule,
} from '../../knative/resources/traffic-policy.ts';

/**
 * The first earlier rule, or rules together, that take every request of `rules[index]`: the index of
 * the last one needed. Undefined when some request may get through, or when that cannot be proved.
 */
export function hiddenBy(rules: readonly TrafficRule[], index: number): number | undefined {
  const earlier = rules.slice(0, index);
  const everything: RequestMatch[] = [{}];
  const hiders = (rules[index]?.match ?? everything).map((match) =>
    earlier.findIndex((rule) => (rule.match ?? everything).some((wider) => subsumes(wider, match))),
  );
  return hiders.includes(-1) ? undefined : Math.max(...hiders);
}

/** Whether every request that fits `narrow` also fits `wide`; false when that cannot be proved. */
export function subsumes(wide: RequestMatch, narrow: RequestMatch): boolean {
  return (
    (wide.method === undefined || wide.method === narrow.method) &&
    (wide.path === undefined ||
      (narrow.path !== undefined && textSubsumes(wide.path, narrow.path))) &&
    (wide.headers ?? []).every((needed) =>
      (narrow.headers ?? []).some(
        (given) => given.name === needed.name && textSubsumes(needed.value, given.value),
      ),
    )
  );
}

function textSubsumes(wideMatch: TextMatch, narrowMatch: TextMatch): boolean {
  const wide = simplify(wideMatch);
  const narrow = simplify(narrowMatch);
  const fixed = narrow.exact ?? narrow.prefix ?? literalStart(narrow.regex ?? '');
  if (wide.exact !== undefined) return wide.exact === narrow.exact;
  if (wide.prefix !== undefined) return fixed.startsWith(wide.prefix);
  if (wide.regex === narrow.regex) return true;
  return narrow.exact !== undefined && surelyMatches(wide.regex ?? '', narrow.exact);
}

const plain = String.raw`(?:[^\\^$.|?*+()[\]{}]|\\[^\w\s])`;
const wholeLiteral = new RegExp(`^${plain}+$`);
const literalThenAny = new RegExp(`^(${plain}*)\\.\\*$`);

/** A regular expression that is only a literal, or a literal and `.*`, as what it means. */
function simplify(match: TextMatch): TextMatch {
  const { regex } = match;
  if (regex === undefined) return match;
  if (wholeLiteral.test(regex)) return { exact: unescape(regex) };
  const start = literalThenAny.exec(regex)?.[1];
  return start === undefined ? match : { prefix: unescape(start) };
}

/** Text that everything matched by the expression begins with; empty when there may be none. */
function literalStart(regex: string): string {
  if (regex.includes('|')) return '';
  const start = new RegExp(`^${plain}*`).exec(regex)?.[0] ?? '';
  const repeated = /^[*+?{]/.test(regex.slice(start.length));
  return unescape(repeated ? start.replace(/\\?.$/, '') : start);
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1');
}

/**
 * JavaScript stands in for RE2 only where both surely agree and where backtracking stays cheap:
 * no groups, no alternatives, at most three repetitions, printable ASCII.
 */
function surelyMatches(regex: string, text: string): boolean {
  const simple =
    !/[(|]|\[\[:|\\[^dwDW\W]/.test(regex) &&
    (regex.match(/[*+?{]/g)?.length ?? 0) <= 3 &&
    /^[ -~]{0,256}$/.test(text);
  if (!simple) return false;
  try {
    return new RegExp(`^(?:${regex})$`, 'u').test(text);
  } catch {
    return false;
  }
}
