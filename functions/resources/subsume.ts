import type {
  RequestMatch,
  TextMatch,
  TrafficRule,
} from '../../knative/resources/traffic-policy.ts';
import { Budget } from './budget.ts';
import { fullyMatches } from './full-match.ts';

/**
 * Steps for one policy, each a comparison of two texts or a character that an expression is tried at. Enough to compare
 * the paths of every two matches of the largest policy, and about 0.1 s.
 */
const mostSteps = 1_000_000;

/**
 * For every rule the first earlier rule, or rules together, that take every request of it: the index of the last one
 * needed. Undefined when some request may get through, or when the opposite cannot be proved in time.
 */
export function hiders(
  rules: readonly TrafficRule[],
  budget: Budget = new Budget(mostSteps),
): readonly (number | undefined)[] {
  const everything: RequestMatch[] = [{}];
  const read = rules.map(({ match = everything }) => match.map(readMatch));
  return read.map((matches, index) => {
    const found = matches.map((narrow) =>
      read.slice(0, index).findIndex((rule) => rule.some((wide) => takes(wide, narrow, budget))),
    );
    return found.includes(-1) ? undefined : Math.max(...found);
  });
}

/** Whether every request that fits `narrow` also fits `wide`; false when that cannot be proved. */
export function subsumes(
  wide: RequestMatch,
  narrow: RequestMatch,
  budget: Budget = new Budget(mostSteps),
): boolean {
  return takes(readMatch(wide), readMatch(narrow), budget);
}

/** A match, read once for all comparisons. */
interface ReadMatch {
  readonly method: string | undefined;
  readonly path: ReadText | undefined;
  readonly headers: readonly ReadHeader[];
  readonly byName: ReadonlyMap<string, readonly ReadHeader[]>;
}

interface ReadHeader {
  readonly name: string;
  readonly value: ReadText;
}

interface ReadText extends TextMatch {
  /** Text that everything that fits begins with. */
  readonly start: string;
}

function readMatch({ method, path, headers: given = [] }: RequestMatch): ReadMatch {
  const headers = given.map(({ name, value }) => ({ name, value: readText(value) }));
  const byName = Map.groupBy(headers, ({ name }) => name);
  return { method, path: path && readText(path), headers, byName };
}

function readText(match: TextMatch): ReadText {
  const simple = simplify(match);
  const { exact, prefix, regex = '' } = simple;
  return { ...simple, start: exact ?? prefix ?? literalStart(regex) };
}

function takes(wide: ReadMatch, narrow: ReadMatch, budget: Budget): boolean {
  if (wide.method !== undefined && wide.method !== narrow.method) return false;
  if (wide.path !== undefined) {
    if (narrow.path === undefined || !textTakes(wide.path, narrow.path, budget)) return false;
  }
  return wide.headers.every(
    ({ name, value }) =>
      narrow.byName.get(name)?.some((given) => textTakes(value, given.value, budget)) ?? false,
  );
}

function textTakes(wide: ReadText, narrow: ReadText, budget: Budget): boolean {
  if (!budget.spend(1)) return false;
  if (wide.exact !== undefined) return wide.exact === narrow.exact;
  if (wide.prefix !== undefined) return narrow.start.startsWith(wide.prefix);
  if (wide.regex === narrow.regex) return true;
  return narrow.exact !== undefined && fullyMatches(wide.regex ?? '', narrow.exact, budget);
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
