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
      message: `unknown field${suggestion(key, allowed)}; ${list('allowed', allowed)}`,
    }));
  }
  const choices = nodes
    .flatMap((option) => option.enum ?? [option.const])
    .filter((c) => c !== undefined);
  const expected = choices.length > 0 ? list('allowed', choices.map(String)) : expectation(issue);
  if (found === undefined && issue.code !== 'custom') {
    return [{ field, message: `is required: ${expected}` }];
  }
  const hint = typeof found === 'string' ? suggestion(found, choices.map(String)) : '';
  return [{ field, message: `found ${show(found)}${hint}; ${expected}` }];
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected === 'record' ? 'object' : issue.expected}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unit(issue.origin)}`;
    case 'invalid_union':
      return [...new Set(issue.errors.flatMap((option) => option.map(expectation)))].join(' or ');
    case 'invalid_format':
      return issue.format === 'regex' ? issue.message : `must be a valid ${issue.format} text`;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  if (origin === 'array') return ' items';
  return origin === 'string' ? ' characters' : '';
}

/** What is allowed, in words: `allowed: GET, HEAD`. */
export function list(title: string, values: readonly string[]): string {
  return values.length === 0 ? 'nothing is allowed here' : `${title}: ${values.join(', ')}`;
}

/** `, did you mean "split"?`, or nothing when no allowed word is near. */
export function suggestion(word: string, allowed: readonly string[]): string {
  const meant = nearest(word, allowed);
  return meant === undefined ? '' : `, did you mean "${meant}"?`;
}

function at(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.entries(value).find(([name]) => name === String(key))?.[1];
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
