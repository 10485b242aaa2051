import type { LikePattern } from './like.ts';

/** A value of CESQL: Boolean, Integer (signed, 32 bits) or String. */
export type Value = boolean | number | string;

/** A type of CESQL by its name in the specification. */
export type ValueType = 'Boolean' | 'Integer' | 'String';

/** An operator with two operands; `<>` is read as `!=`. */
export type BinaryOperator = ArithmeticOperator | OrderOperator | '=' | '!=' | 'AND' | 'OR' | 'XOR';

/** Integer × Integer → Integer. */
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

/** Integer × Integer → Boolean. */
export type OrderOperator = '<' | '<=' | '>' | '>=';

/**
 * A parsed expression of the CloudEvents SQL Expression Language 1.0: plain data that may be
 * compared, kept and sent to another thread. `x NOT LIKE p` and `x NOT IN s` are kept as the
 * specification defines them, as `NOT (…)`.
 */
export type Expression =
  | { readonly kind: 'literal'; readonly value: Value }
  /** A context attribute; the name is in lower case. */
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'exists'; readonly name: string }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'negate'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'like'; readonly operand: Expression; readonly pattern: LikePattern }
  | { readonly kind: 'in'; readonly operand: Expression; readonly set: readonly Expression[] }
  /** The name is in upper case. */
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[] };

/** What went wrong, by the specification's kinds; a parse error is thrown instead. */
export interface CesqlError {
  readonly kind:
    | 'math'
    | 'cast'
    | 'missingAttribute'
    | 'missingFunction'
    | 'functionEvaluation'
    /** A kind of our own: a text that is too long, or too much work. */
    | 'limit'
    | 'generic';
  readonly message: string;
}

/** A total result: always a value, with the first error if there was one. */
export interface Evaluation {
  readonly value: Value;
  readonly error?: CesqlError;
}

/** An evaluation that failed, and the value that stands for it. */
export function failed(value: Value, kind: CesqlError['kind'], message: string): Evaluation {
  return { value, error: { kind, message } };
}
