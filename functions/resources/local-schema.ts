import { DatabaseSync } from 'node:sqlite';
import { migrate, type Schema } from '../lib/migrate.ts';

const schema: Schema = {
  // FULL: an answered write survives a power cut, not only a crash of the process.
  settings: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;',
  steps: [
    `
CREATE TABLE IF NOT EXISTS counter (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL,
  forgotten INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO counter VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS objects (
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  manager TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, namespace, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
  version INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
`,
  ],
};

/**
 * Opens the store's file (or `:memory:`): every object as one JSON document, every change in order.
 * `counter` holds the newest resource version and the newest one whose change was forgotten.
 * @throws CloverError CLV_CONFIG_INVALID for a file of a newer Clover; and what SQLite throws.
 */
export function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 5_000 });
  migrate(db, schema);
  return db;
}
