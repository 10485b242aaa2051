import type { CesqlError, Value, ValueType } from './expression.ts';

/** A value of the wanted type, or why there is none. */
export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: CesqlError };

/** The value that stands for a type where an error left none. */
export const zero = { Boolean: false, Integer: 0, String: '' } as const;

/** The type of a value. */
export function typeOf(value: Value): ValueType {
  if (typeof value === 'boolean') return 'Boolean';
  return typeof value === 'number' ? 'Integer' : 'String';
}

/** Every integer but 0 is true; of strings `true` and `false` in any case can be cast. */
export function toBoolean(value: Value): Attempt<boolean> {
  if (typeof value === 'boolean') return done(value);
  if (typeof value === 'number') return done(value !== 0);
  // A longer text is neither, and need not be copied.
  const lower = value.length > 5 ? '' : value.toLowerCase();
  return lower === 'true' || lower === 'false'
    ? done(lower === 'true')
    : impossible(value, 'Boolean');
}

/** True is 1; of strings decimal numbers of 32 bits, with a sign or without, can be cast. */
export function toInteger(value: Value): Attempt<number> {
  if (typeof value !== 'string') return done(Number(value));
  const number = /^[+-]?[0-9]+$/.test(value) ? Number(value) : Number.NaN;
  return isInteger(number) ? done(number + 0) : impossible(value, 'Integer');
}

/** Always possible. */
export function toText(value: Value): Attempt<string> {
  return done(String(value));
}

/** The value as any type. */
export function to(type: ValueType, value: Value): Attempt<Value> {
  if (type === 'Boolean') return toBoolean(value);
  return type === 'Integer' ? toInteger(value) : toText(value);
}

/** Whether a number is an Integer of CESQL: whole, 32 bits, signed. */
export function isInteger(number: number): boolean {
  return Number.isInteger(number) && number >= -(2 ** 31) && number < 2 ** 31;
}

const done = <T>(value: T): Attempt<T> => ({ ok: true, value });

function impossible(value: string, type: ValueType): Attempt<never> {
  const shown = JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}…` : value);
  return { ok: false, error: { kind: 'cast', message: `${shown} cannot be cast to ${type}` } };
}
