/** One forward step of a schema; each statement may run again after a crash in the middle. */
export interface Migration {
  /** Dense from 1; never reused, never changed once released. */
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** The tables of one store. */
export interface TableSchema {
  /** The table that says which migrations have been made. */
  readonly ledger: string;
  /** In order. */
  readonly migrations: readonly Migration[];
}
