import type { z } from 'zod';
import type { ErrorDetail } from './errors.ts';
import { fieldPath } from './field-path.ts';
import { nearest } from './nearest.ts';
import { isList, isRecord } from './plain-value.ts';

// Types of zod only: functions that have no schema of their own say these words, too, and zod is four times their size.
type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** A found value, short enough for a message. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(preview(value, 4)) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The beginning of a value: what a stranger sent may be nested deeper than the stack. */
function preview(value: unknown, levels: number): unknown {
  if (!isList(value) && !isRecord(value)) return value;
  if (levels === 0) return '…';
  if (isList(value)) return value.slice(0, 32).map((item) => preview(item, levels - 1));
  const entries = Object.entries(value).slice(0, 32);
  return Object.fromEntries(entries.map(([key, inner]) => [key, preview(inner, levels - 1)]));
}

/** A problem in one line; that of a whole value has no field before it. */
export function detailText({ field, message }: ErrorDetail): string {
  return field === '' ? message : `${field}: ${message}`;
}

/** What a schema allows at the place of a problem. */
export interface Allowed {
  readonly fields: readonly string[];
  /** The only values, where there are few. */
  readonly choices: readonly unknown[];
}

/**
 * Says of a problem where it is, what was found and what is allowed.
 * @param root what was found as a whole.
 * @param allowed without it, what the problem itself says.
 */
export function issueDetails(issue: Issue, root: unknown, allowed?: Allowed): ErrorDetail[] {
  const field = fieldPath(issue.path);
  const found = at(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: fieldPath([...issue.path, key]),
      message:
        allowed === undefined ? 'unknown field' : choiceText('unknown field', key, allowed.fields),
    }));
  }
  const choices = allowed?.choices ?? (issue.code === 'invalid_value' ? issue.values : []);
  const isMissing = found === undefined && issue.code !== 'custom';
  const begin = isMissing ? 'is required' : `found ${show(found)}`;
  const message =
    choices.length > 0 ? valueText(begin, found, choices) : `${begin}; ${expectation(issue)}`;
  return [{ field, message }];
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected === 'record' ? 'object' : issue.expected}`;
    case 'too_small':
      return boundText('least', Number(issue.minimum), unitOf(issue.origin));
    case 'too_big':
      return boundText('most', Number(issue.maximum), unitOf(issue.origin));
    case 'invalid_union':
      return [...new Set(issue.errors.flatMap((option) => option.map(expectation)))].join(' or ');
    case 'invalid_format':
      return issue.format === 'regex' ? issue.message : `must be a valid ${issue.format} text`;
    default:
      return issue.message;
  }
}

/** What is counted where a size is bounded; undefined: a number is bounded itself. */
type Unit = keyof typeof plurals | undefined;

const plurals = { item: 'items', character: 'characters', entry: 'entries' } as const;

/** `must be at most 65535`, `must have at least 1 item`. */
export function boundText(way: 'least' | 'most', bound: number, unit?: Unit): string {
  if (unit === undefined) return `must be at ${way} ${bound}`;
  return `must have at ${way} ${bound} ${bound === 1 ? unit : plurals[unit]}`;
}

function unitOf(origin: string): Unit {
  if (origin === 'array') return 'item';
  return origin === 'string' ? 'character' : undefined;
}

/**
 * A sentence about a word that is none of those allowed: `unknown field; allowed: name, match`, and where one is near
 * `unknown field, did you mean "match"? Allowed: name, match`.
 */
export function choiceText(begin: string, word: unknown, allowed: readonly string[]): string {
  const [first] = allowed;
  if (first === undefined) return `${begin}; nothing is allowed here`;
  const meant = typeof word === 'string' ? nearest(word, allowed) : undefined;
  const all = allowed.join(', ');
  return meant === undefined
    ? `${begin}; allowed: ${all}`
    : `${begin}, did you mean "${meant}"? Allowed: ${all}`;
}

/** As {@link choiceText}, of a value: where only one is allowed, `found "v3"; must be "v1"`. */
export function valueText(begin: string, value: unknown, allowed: readonly unknown[]): string {
  return allowed.length === 1
    ? `${begin}; must be ${show(allowed[0])}`
    : choiceText(begin, value, allowed.map(String));
}

/** What a value has at a path, itself; undefined where there is nothing. */
export function at(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    if (isList(value)) return value[Number(key)];
    // Only what the value has itself: a key may be called `constructor`.
    return isRecord(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
  }, root);
}
