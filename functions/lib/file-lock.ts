import { DatabaseSync } from 'node:sqlite';

/** A file that one at a time has. It ends with its holder, however that ends. */
export interface FileLock {
  /** May be called again. */
  release(): void;
}

/** SQLITE_BUSY. */
const busy = 5;

/**
 * Node has no file locks of its own, SQLite does: an exclusive transaction that writes nothing. The kernel knows who holds it by the
 * file itself, whatever path or container it was opened from.
 *
 * @param waitMs how long it is waited for another that has it; the whole process waits.
 * @returns undefined when another has it still.
 * @throws Error of SQLite when there can be no such file.
 */
export function tryLock(file: string, waitMs = 0): FileLock | undefined {
  const db = new DatabaseSync(file, { timeout: waitMs });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return undefined;
    throw error;
  }
  return {
    release: () => {
      if (db.isOpen) db.close();
    },
  };
}
