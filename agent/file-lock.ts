import { DatabaseSync } from 'node:sqlite';
import { CloverError } from '../functions/lib/errors.ts';

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
 * @returns undefined while another has it.
 * @throws CloverError CLV_CONFIG_INVALID when there can be no such file.
 */
export function tryLock(file: string): FileLock | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db?.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === busy) return undefined;
    throw new CloverError(
      'CLV_CONFIG_INVALID',
      `${file} cannot be locked: handoverSocket has to be in a folder of this machine that the agent may write to`,
      { cause },
    );
  }
  const held = db;
  return {
    release: () => {
      if (held.isOpen) held.close();
    },
  };
}
