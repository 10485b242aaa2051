import type { Rule } from '../../../knative/resources/rule.ts';
import type { StructuralSchema } from '../../../knative/structural-schema.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { fieldPath } from '../../lib/field-path.ts';
import { isList, isRecord } from '../../lib/plain-value.ts';
import { show } from '../field-errors.ts';
import { celValue, createCel, type Expression, type Scope } from './cel.ts';

/** An error of a rule, with the rule. */
export interface RuleError extends ErrorDetail {
  readonly rule: Rule;
}

type Path = readonly PropertyKey[];

/**
 * Every rule in CEL that a value breaks, at any depth. The value has to fit its schema.
 * @param old The value that it replaces; rules with `oldSelf` are checked only where there is one. Items of lists
 * have none.
 */
export function ruleErrors(
  schema: StructuralSchema,
  value: unknown,
  old: unknown,
  path: Path = [],
): RuleError[] {
  return [...ownErrors(schema, value, old, path), ...innerErrors(schema, value, old, path)];
}

function ownErrors(
  schema: StructuralSchema,
  value: unknown,
  old: unknown,
  path: Path,
): RuleError[] {
  const list = schema['x-kubernetes-validations'] ?? [];
  if (list.length === 0) return [];
  const scope = { self: celValue(schema, value), oldSelf: celValue(schema, old) };
  return list
    .filter(({ rule }) => old !== undefined || !/\boldSelf\b/.test(rule))
    .filter(({ rule }) => evaluated(rule, scope) !== true)
    .map((rule) => {
      const inner = rule.fieldPath?.split('.').slice(1) ?? [];
      const found = inner.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : at), value);
      return {
        field: fieldPath([...path, ...inner]),
        message: `found ${show(found)}; ${rule.message}`,
        rule,
      };
    });
}

function innerErrors(
  { items, properties = {}, additionalProperties }: StructuralSchema,
  value: unknown,
  old: unknown,
  path: Path,
): RuleError[] {
  if (isList(value)) {
    if (items === undefined) return [];
    return value.flatMap((item, index) => ruleErrors(items, item, undefined, [...path, index]));
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const schema = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    const before = isRecord(old) && Object.hasOwn(old, key) ? old[key] : undefined;
    return schema === undefined ? [] : ruleErrors(schema, inner, before, [...path, key]);
  });
}

/** The expression's value; undefined, which is not true, where it ends in an error. */
function evaluated(text: string, scope: Scope): unknown {
  const expression = compile(text);
  try {
    return expression(scope);
  } catch {
    return undefined;
  }
}

let cel: ((text: string) => Expression) | undefined;

/** Made at the first rule, so that a process that admits nothing does not pay for it. */
function compile(text: string): Expression {
  cel ??= createCel();
  return cel(text);
}
