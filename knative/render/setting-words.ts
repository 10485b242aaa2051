import { z } from 'zod';
import { nearest } from '../../functions/lib/nearest.ts';

const nouns: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a map',
  record: 'a map',
  string: 'text',
};

/** More names than these are no help on one line. */
const mostNames = 8;

/** What is wrong with a setting, where its schema has no words of its own; of unknown keys a line for each. */
export function settingWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeWords(issue.expected, issue.input);
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String), String(issue.input))}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at least ${issue.minimum}`
        : 'must not be empty';
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_key':
      return `is no name for one: ${issue.issues.map(({ message }) => message).join(', ')}`;
    case 'unrecognized_keys': {
      const known = keysOf(issue.inst);
      return issue.keys.map((key) => unknownKeyWords(key, known)).join('\n');
    }
    default:
      return undefined;
  }
}

/** Of what has to be said, and is not: what to say. */
export function unsaid(what: string): z.core.$ZodErrorMap {
  return ({ input }) => (input === undefined ? `has to be said: ${what}` : undefined);
}

function typeWords(expected: string, input: unknown): string {
  const noun = nouns[expected] ?? expected;
  if (input === undefined) return `has to be said: ${noun}`;
  const isScalar = typeof input === 'number' || typeof input === 'boolean';
  return expected === 'string' && isScalar ? 'must be text: put it in quotes' : `must be ${noun}`;
}

function oneOf(values: readonly string[], found: string): string {
  const meant = nearest(found, values);
  const all = values.map((value) => `"${value}"`).join(', ');
  const rule = values.length === 1 ? all : `one of ${all}`;
  return meant === undefined ? rule : `${rule}; did you mean "${meant}"?`;
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

function unknownKeyWords(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== undefined) return `unknown key; did you mean "${meant}"?`;
  const isShort = known.length > 0 && known.length <= mostNames;
  return isShort ? `unknown key; there are ${known.join(', ')}` : 'unknown key';
}

/** The keys that a schema knows. */
function keysOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (!(schema instanceof z.ZodRecord)) return [];
  return schema.keyType instanceof z.ZodEnum ? schema.keyType.options.map(String) : [];
}
