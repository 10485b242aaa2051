import type { SQLOutputValue } from 'node:sqlite';

/** Typed columns of a row. Each throws a TypeError for a value of another type. */
export interface Row {
  integer(name: string): number;
  text(name: string): string;
  bytes(name: string): Uint8Array;
}

/** Reads a row that has to be there. */
export function columns(row: Record<string, SQLOutputValue> | undefined): Row {
  const wrong = (name: string, type: string): TypeError =>
    new TypeError(`column ${name} is not ${type}: ${typeof row?.[name]}`);
  return {
    integer: (name) => {
      const value = row?.[name];
      if (typeof value !== 'number') throw wrong(name, 'an integer');
      return value;
    },
    text: (name) => {
      const value = row?.[name];
      if (typeof value !== 'string') throw wrong(name, 'a text');
      return value;
    },
    bytes: (name) => {
      const value = row?.[name];
      if (!(value instanceof Uint8Array)) throw wrong(name, 'a blob');
      return value;
    },
  };
}
