import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CloverError } from '../../lib/errors.ts';

/** Keeps other processes out of a folder while something is decided and done in it. */
export interface FolderLock {
  /**
   * Runs the work alone. The lock ends with the work, or with the process.
   * @throws CloverError CLV_GATEWAY_UNAVAILABLE when another process keeps it for long.
   */
  alone<T>(work: () => T): T;
  close(): void;
}

/** Node has no file locks of its own, SQLite does: an exclusive transaction that writes nothing. */
export function openFolderLock(folder: string): FolderLock {
  const db = new DatabaseSync(join(folder, '.lock'), { timeout: 2_000 });
  return {
    alone: (work) => {
      try {
        db.exec('BEGIN EXCLUSIVE');
      } catch (cause) {
        throw new CloverError('CLV_GATEWAY_UNAVAILABLE', `another process holds ${folder}`, {
          cause,
          retryAfter: 1,
        });
      }
      try {
        return work();
      } finally {
        db.exec('ROLLBACK');
      }
    },
    close: () => db.close(),
  };
}
