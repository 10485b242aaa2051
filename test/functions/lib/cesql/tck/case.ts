import type { CesqlError, Value } from '../../../../../functions/lib/cesql/expression.ts';

/** One case of the conformance tests: the expression, its value, its error, the event's attributes. */
export type TckCase = readonly [
  expression: string,
  value: Value,
  error?: CesqlError['kind'] | '',
  attributes?: Readonly<Record<string, Value>>,
];
