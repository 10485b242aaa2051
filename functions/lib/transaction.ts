import type { DatabaseSync } from 'node:sqlite';

/** Runs `work` in one write transaction of SQLite; a throw undoes all of it. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has rolled back already, and a second time would hide what went wrong.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
