import type { Budget } from './budget.ts';

/** One character or class of printable ASCII, and how often it comes. */
const part =
  /((?=[ -~])[^\\^$.|?*+()[\]{}]|\.|\\[!-/:-@[-^`{-~dDwW]|\[\^?(?:[ -Z^-~]|\\[!-/:-@[-^`{-~dDwW])+\])(?:([*+?]|\{(\d+)(,?)(\d*)\})\??)?/y;
const classItem = /\\([dDwW])|\\?(.)(?:-(?!$)\\?(.))?/g;

/**
 * Whether an RE2 expression takes a whole text; false when that cannot be proved. It reads expressions that are a row of
 * characters and classes with repetitions, without groups and alternatives, over printable ASCII. All ways to
 * match are followed at once, so that no more steps are needed than the length of the expression, with its
 * counted repetitions written out, times that of the text.
 * @param budget Steps that it may take: it proves nothing when they are used up.
 */
export function fullyMatches(regex: string, text: string, budget: Budget): boolean {
  // The whole text is matched anyway.
  const start = regex.startsWith('^') ? 1 : 0;
  const end = regex.endsWith('$') ? regex.length - 1 : regex.length;
  let ends = new Set([0]);
  for (let at = start; at < end && ends.size > 0;) {
    part.lastIndex = at;
    const [whole, atom = '', times = '', low, comma, high] = part.exec(regex) ?? [];
    if (whole === undefined || !budget.spend(whole.length)) return false;
    const [least, most] = low === undefined ? short(times) : counted(low, comma, high);
    const takes = charTest(atom);
    ends = follow(ends, { text, takes, least, most, budget });
    at += whole.length;
  }
  return ends.has(text.length);
}

type CharTest = (char: string) => boolean;
type Bounds = readonly [least: number, most: number];

function short(times: string): Bounds {
  const least = times === '*' || times === '?' ? 0 : 1;
  return [least, times === '*' || times === '+' ? Infinity : 1];
}

function counted(low: string, comma: string | undefined, high: string | undefined): Bounds {
  if (comma === '') return [Number(low), Number(low)];
  return [Number(low), high === undefined || high === '' ? Infinity : Number(high)];
}

interface Step {
  readonly text: string;
  readonly takes: CharTest;
  readonly least: number;
  readonly most: number;
  readonly budget: Budget;
}

/** Where the text can be behind one part, from where it can be before. */
function follow(starts: ReadonlySet<number>, { text, takes, least, most, budget }: Step) {
  const next = (from: ReadonlySet<number>, known?: ReadonlySet<number>): Set<number> => {
    const after = new Set<number>();
    for (const at of from) {
      if (!budget.spend(1)) break;
      if (known?.has(at + 1) !== true && takes(text.charAt(at))) after.add(at + 1);
    }
    return after;
  };
  let fresh = new Set(starts);
  for (let count = 0; count < least && fresh.size > 0; count++) fresh = next(fresh);
  const ends = new Set(fresh);
  for (let count = least; count < most && fresh.size > 0; count++) {
    fresh = next(fresh, ends);
    for (const at of fresh) ends.add(at);
  }
  return ends;
}

const isPrintable: CharTest = (char) => char >= ' ' && char <= '~';

function charTest(atom: string): CharTest {
  if (atom === '.') return isPrintable;
  if (atom.startsWith('[')) {
    return atom.startsWith('[^') ? noneOf(atom.slice(2, -1)) : oneOf(atom.slice(1, -1));
  }
  return /^\\[dDwW]$/.test(atom) ? oneOf(atom) : (char) => char === atom.at(-1);
}

function oneOf(items: string): CharTest {
  const taken = new Set<string>();
  for (const [, name, from = '', to = from] of items.matchAll(classItem)) {
    const named = name === undefined ? undefined : namedClasses.get(name);
    const [first, last] = [from.charCodeAt(0), to.charCodeAt(0)];
    const chars = named ?? printable.slice(first - blank, last - blank + 1);
    for (const char of chars) taken.add(char);
  }
  return (char) => taken.has(char);
}

function noneOf(items: string): CharTest {
  const takes = oneOf(items);
  return (char) => isPrintable(char) && !takes(char);
}

const blank = 0x20;
const printable = Array.from({ length: 0x7f - blank }, (_char, index) =>
  String.fromCharCode(blank + index),
);
const namedClasses = new Map(
  [/\d/, /\D/, /\w/, /\W/].map((name) => [
    name.source.slice(1),
    printable.filter((char) => name.test(char)),
  ]),
);
