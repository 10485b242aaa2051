import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { DeadLetterQuery } from '../../dead-letters/dead-letter-admin.ts';
import { columns, type Row } from './columns.ts';
import type { QueueLimits, StoredDeadLetter } from './messages.ts';

/** The stored dead letters. Changes rows inside the caller's transaction. */
export interface DeadLetters {
  /** Adds one; returns how many old ones made room. */
  add(letter: Omit<StoredDeadLetter, 'id'>): number;
  /** Newest first. */
  list(query: DeadLetterQuery): readonly StoredDeadLetter[];
  get(id: number): StoredDeadLetter | undefined;
  /** False when there is none of that id. */
  remove(id: number): boolean;
  count(): number;
  /** Counts the rows anew, after a transaction that failed. */
  measure(): void;
}

/** Opens the table; the newest letter is kept whatever its size. */
export function createDeadLetters(
  db: DatabaseSync,
  limits: Pick<QueueLimits, 'deadLetters' | 'deadLetterBytes'>,
): DeadLetters {
  const bytes = 'length(data) + octet_length(attributes) + octet_length(error)';
  const sql = {
    measure: db.prepare(
      `SELECT count(*) AS n, coalesce(sum(${bytes}), 0) AS bytes FROM dead_letters`,
    ),
    add: db.prepare(
      'INSERT INTO dead_letters (route, attempts, at, attributes, error, data) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    oldest: db.prepare('SELECT id FROM dead_letters ORDER BY id LIMIT 1'),
    remove: db.prepare(`DELETE FROM dead_letters WHERE id = ? RETURNING ${bytes} AS bytes`),
    get: db.prepare('SELECT * FROM dead_letters WHERE id = ?'),
    list: db.prepare('SELECT * FROM dead_letters WHERE id < ? ORDER BY id DESC LIMIT ?'),
    listOf: db.prepare(
      'SELECT * FROM dead_letters WHERE id < ? AND route = ? ORDER BY id DESC LIMIT ?',
    ),
  };
  const usage = { rows: 0, bytes: 0 };
  const measure = (): void => {
    const row = columns(sql.measure.get());
    usage.rows = row.integer('n');
    usage.bytes = row.integer('bytes');
  };
  const remove = (id: number): boolean => {
    const row = sql.remove.get(id);
    if (row === undefined) return false;
    usage.rows -= 1;
    usage.bytes -= columns(row).integer('bytes');
    return true;
  };
  measure();

  return {
    add: ({ trigger, attempts, at, header, error, data }) => {
      sql.add.run(trigger, attempts, at, header, error, data);
      usage.rows += 1;
      usage.bytes += data.length + Buffer.byteLength(header) + Buffer.byteLength(error);
      let evicted = 0;
      while (
        usage.rows > 1 &&
        (usage.rows > limits.deadLetters || usage.bytes > limits.deadLetterBytes)
      ) {
        remove(columns(sql.oldest.get()).integer('id'));
        evicted += 1;
      }
      return evicted;
    },
    list: ({ limit, before = Number.MAX_SAFE_INTEGER, trigger }) =>
      (trigger === undefined
        ? sql.list.all(before, limit)
        : sql.listOf.all(before, trigger, limit)
      ).map(letterOf),
    get: (id) => {
      const row = sql.get.get(id);
      return row === undefined ? undefined : letterOf(row);
    },
    remove,
    count: () => usage.rows,
    measure,
  };
}

function letterOf(values: Record<string, SQLOutputValue>): StoredDeadLetter {
  const row: Row = columns(values);
  return {
    id: row.integer('id'),
    trigger: row.text('route'),
    attempts: row.integer('attempts'),
    at: row.integer('at'),
    header: row.text('attributes'),
    error: row.text('error'),
    data: row.bytes('data'),
  };
}
