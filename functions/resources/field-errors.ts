import { z } from 'zod';
import type { ErrorDetail } from '../lib/errors.ts';
import { at, issueDetails, type Allowed } from '../lib/problem-words.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** Says of every problem of a value where it is, what was found and what is allowed. */
export function fieldErrors(
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
): ErrorDetail[] {
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  return issues.flatMap((issue) =>
    issueDetails(issue, value, allowedBy(nodesAt(shape, value, issue.path))),
  );
}

function allowedBy(nodes: readonly Node[]): Allowed {
  const fields = nodes.flatMap(({ properties = {} }) => Object.keys(properties));
  const choices = nodes.flatMap((option) => option.enum ?? [option.const]);
  return { fields: [...new Set(fields)], choices: choices.filter((one) => one !== undefined) };
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
