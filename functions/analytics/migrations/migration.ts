/** One forward step of the schema; each statement may run again after a crash in the middle. */
export interface Migration {
  /** Dense from 1; never reused, never changed once released. */
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
}
