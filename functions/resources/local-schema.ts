import { DatabaseSync } from 'node:sqlite';

/**
 * Opens the store's file (or `:memory:`): every object as one JSON document, every change in order.
 * `counter` holds the newest resource version and the newest one whose change was forgotten.
 */
export function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 5_000 });
  // FULL: an answered write survives a power cut, not only a crash of the process.
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
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
  `);
  return db;
}
