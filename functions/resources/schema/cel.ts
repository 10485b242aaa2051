import { isIP } from 'node:net';
import { Environment } from '@marcbachmann/cel-js';
import type { StructuralSchema } from '../../../knative/structural-schema.ts';
import { isList, isRecord } from '../../lib/plain-value.ts';

/** What an expression sees. */
export interface Scope {
  readonly self: unknown;
  readonly oldSelf: unknown;
}

/** A compiled expression. It throws where CEL has an error, such as a key that is not there. */
export type Expression = (scope: Scope) => unknown;

/**
 * CEL with what Kubernetes adds to it and our rules use. Kubernetes checks types by the schema when the
 * definition is applied; here every value has its type at run time only.
 */
export function createCel(): (text: string) => Expression {
  const environment = new Environment()
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn')
    .registerFunction('isIP(string): bool', isAddress)
    .registerFunction('list.isSorted(): bool', isSorted);
  const compiled = new Map<string, Expression>();
  return (text) => {
    const known = compiled.get(text);
    if (known !== undefined) return known;
    const program = environment.parse(text);
    const expression: Expression = ({ self, oldSelf }) => program({ self, oldSelf });
    compiled.set(text, expression);
    return expression;
  };
}

/** A value as CEL has it: whole numbers by the schema are `int`, objects are maps. */
export function celValue(schema: StructuralSchema | undefined, value: unknown): unknown {
  if (typeof value === 'number') return schema?.type === 'integer' ? BigInt(value) : value;
  if (isList(value)) return value.map((item) => celValue(schema?.items, item));
  if (!isRecord(value)) return value;
  const fields = schema?.properties ?? {};
  return new Map(
    Object.entries(value).map(([key, inner]) => [
      key,
      celValue(Object.hasOwn(fields, key) ? fields[key] : schema?.additionalProperties, inner),
    ]),
  );
}

/** Kubernetes takes no zones, and no IPv4 addresses written as IPv6. */
function isAddress(text: string): boolean {
  const family = isIP(text);
  if (family !== 6) return family === 4;
  if (text.includes('%')) return false;
  const { hostname } = new URL(`http://[${text}]/`);
  return !/^\[::ffff:[\da-f]+:[\da-f]+\]$/.test(hostname);
}

function isSorted(items: readonly unknown[]): boolean {
  return items.every((item, index) => index === 0 || !less(item, items[index - 1]));
}

function less(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b;
  throw new TypeError('isSorted: only lists of numbers of one type have an order here');
}
