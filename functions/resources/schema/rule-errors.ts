import type { Rule } from '../../../knative/resources/rule.ts';
import type { StructuralSchema } from '../../../knative/structural-schema.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { fieldPath } from '../../lib/field-path.ts';
import { isList, isRecord } from '../../lib/plain-value.ts';
import { show } from '../../lib/problem-words.ts';
import { celValue, createCel, type Expression, type Scope } from './cel.ts';
import { schemaErrors } from './schema-errors.ts';

/** An error of a rule, with the rule. */
export interface RuleError extends ErrorDetail {
  readonly rule: Rule;
}

type Path = readonly PropertyKey[];

/** Where a value stands, and what is known of it. */
interface Place {
  readonly path?: Path;
  /** False: something in it does not fit its schema. Default: true. */
  readonly fits?: boolean;
  /** The values as CEL has them, from the value around: to make them anew at each depth is most of the work. */
  readonly scope?: Scope | undefined;
}

/**
 * Every rule in CEL that a value breaks, at any depth. A rule is not looked at whose value does not fit its schema.
 * @param old The value that it replaces; rules with `oldSelf` are checked only where there is one. Items of lists
 * have none.
 */
export function ruleErrors(
  schema: StructuralSchema,
  value: unknown,
  old: unknown,
  { path = [], fits = true, scope }: Place = {},
): RuleError[] {
  const misfits = fits ? [] : schemaErrors(schema, value);
  // What is wrong by itself, such as a list that is too long, is not looked into.
  if (misfits.some(({ field }) => field === '')) return [];
  if (misfits.length > 0) return innerErrors(schema, value, old, { path, fits: false });
  const known = scope ?? { self: celValue(schema, value), oldSelf: celValue(schema, old) };
  return [
    ...ownErrors(schema, value, { path, scope: known, isUpdate: old !== undefined }),
    ...innerErrors(schema, value, old, { path, fits: true, scope: known }),
  ];
}

function ownErrors(
  schema: StructuralSchema,
  value: unknown,
  { path, scope, isUpdate }: { path: Path; scope: Scope; isUpdate: boolean },
): RuleError[] {
  const list = schema['x-kubernetes-validations'] ?? [];
  return list
    .filter(({ rule }) => isUpdate || !/\boldSelf\b/.test(rule))
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
  { path, fits, scope }: Place & { readonly path: Path; readonly fits: boolean },
): RuleError[] {
  if (isList(value)) {
    if (items === undefined) return [];
    return value.flatMap((item, index) =>
      ruleErrors(items, item, undefined, {
        path: [...path, index],
        fits,
        scope: scope && { self: inside(scope.self, index), oldSelf: undefined },
      }),
    );
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const schema = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    const before = isRecord(old) && Object.hasOwn(old, key) ? old[key] : undefined;
    return schema === undefined
      ? []
      : ruleErrors(schema, inner, before, {
          path: [...path, key],
          fits,
          scope: scope && { self: inside(scope.self, key), oldSelf: inside(scope.oldSelf, key) },
        });
  });
}

/** What a value of CEL has at a key; undefined where there is nothing. */
function inside(value: unknown, key: number | string): unknown {
  if (typeof key === 'number') return isList(value) ? value[key] : undefined;
  if (!(value instanceof Map)) return undefined;
  const entries: ReadonlyMap<unknown, unknown> = value;
  return entries.get(key);
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
