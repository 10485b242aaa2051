import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { CloverError } from './errors.ts';
import { transaction } from './transaction.ts';

/** How a database file of one kind is opened, and how it came to be what it is. */
export interface Schema {
  /** PRAGMAs of the connection, each time. */
  readonly settings: string;
  /**
   * Step n takes a file from version n to n+1, and is never changed again. Files of before there were versions are at 0
   * and have tables: the first step makes only what is missing.
   */
  readonly steps: readonly string[];
}

/**
 * Brings a database file to the newest version of its schema: all steps or none, also where several processes open it
 * at once. The version is SQLite's `user_version`. What fails closes the database.
 * @throws CloverError CLV_CONFIG_INVALID when a newer Clover wrote the file, which is then left as it is; and what
 * SQLite throws.
 */
export function migrate(db: DatabaseSync, { settings, steps }: Schema): void {
  try {
    db.exec(settings);
    if (versionOf(db, steps.length) === steps.length) return;
    transaction(db, () => {
      // Read again: until the lock was ours, another process may have done it.
      for (const step of steps.slice(versionOf(db, steps.length))) db.exec(step);
      db.exec(`PRAGMA user_version = ${steps.length}`);
    });
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The file's version, from 0 to `known`. */
function versionOf(db: DatabaseSync, known: number): number {
  const version = z.int().parse(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version <= known) return version;
  const found = `its schema has version ${version} and this Clover knows up to ${known}`;
  throw new CloverError(
    'CLV_CONFIG_INVALID',
    `${found}: a newer Clover wrote it, and has to be started`,
  );
}
