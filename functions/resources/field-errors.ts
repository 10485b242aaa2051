import { z } from 'zod';
import type { ErrorDetail } from '../lib/errors.ts';
import { fieldPath } from '../lib/field-path.ts';
import { nearest } from '../lib/nearest.ts';
import { isList, isRecord } from '../lib/plain-value.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

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

/** Says of every problem of a value where it is, what was found and what is allowed. */
export function fieldErrors(
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
): ErrorDetail[] {
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  return issues.flatMap((issue) => details(issue, value, nodesAt(shape, value, issue.path)));
}

function details(issue: Issue, root: unknown, nodes: readonly Node[]): ErrorDetail[] {
  const field = fieldPath(issue.path);
  const found = at(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const allowed = [...new Set(nodes.flatMap(({ properties = {} }) => Object.keys(properties)))];
    return issue.keys.map((key) => ({
      field: fieldPath([...issue.path, key]),
      message: choiceText('unknown field', key, allowed),
    }));
  }
  const choices = nodes
    .flatMap((option) => option.enum ?? [option.const])
    .filter((c) => c !== undefined);
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

function at(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    if (isList(value)) return value[Number(key)];
    // Only what the value has itself: a key may be called `constructor`.
    return isRecord(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
  }, root);
}

/** The part of JSON Schema that zod writes for Clover's resources. */
const node = z.looseObject({
  $ref: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  oneOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
});

type Node = z.output<typeof node>;

/** The schemas that count at a path; of several options the ones whose constants fit the value. */
function nodesAt(
  schema: unknown,
  value: unknown,
  path: Path,
  root: unknown = schema,
): readonly Node[] {
  const here = node.parse(schema);
  // A schema that holds itself is written once and referred to: `#/$defs/<name>`.
  if (here.$ref !== undefined) {
    return nodesAt(at(root, here.$ref.split('/').slice(1)), value, path, root);
  }
  const options = here.oneOf ?? here.anyOf;
  if (options !== undefined) {
    const fitting = options.filter((option) => fits(option, value));
    const chosen = fitting.length > 0 ? fitting : options;
    return chosen.flatMap((option) => nodesAt(option, value, path, root));
  }
  const [key, ...rest] = path;
  if (key === undefined) return [here];
  const next = typeof key === 'number' ? here.items : here.properties?.[String(key)];
  return next === undefined ? [] : nodesAt(next, at(value, [key]), rest, root);
}

function fits(option: unknown, value: unknown): boolean {
  return Object.entries(node.parse(option).properties ?? {}).every(([key, property]) => {
    const wanted = node.parse(property).const;
    return wanted === undefined || wanted === at(value, [key]);
  });
}
