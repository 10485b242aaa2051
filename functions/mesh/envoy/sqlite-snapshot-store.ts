import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { CloverError } from '../../lib/errors.ts';
import { migrate, type Schema } from '../../lib/migrate.ts';
import { transaction } from '../../lib/transaction.ts';
import type { EnvoySnapshot, SnapshotStore } from './snapshot-store.ts';

const revisionsKept = 10;

const schema: Schema = {
  settings: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;',
  steps: [
    `
CREATE TABLE IF NOT EXISTS envoy_snapshot (
  version INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  resources TEXT NOT NULL,
  released TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
`,
  ],
};

const row = z.strictObject({
  version: z.int(),
  hash: z.string(),
  resources: z.string(),
  released: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
  at: z.int(),
});

/**
 * Snapshots in an SQLite file (`:memory:` for tests).
 *
 * A commit survives a power cut: were the head older than the files, a fencing number could be given twice.
 */
export function createSqliteSnapshotStore(options: {
  readonly path: string;
  readonly clock: Clock;
}): SnapshotStore {
  const db = new DatabaseSync(options.path, { timeout: 5_000 });
  migrate(db, schema);
  const newest = db.prepare(`SELECT * FROM envoy_snapshot ORDER BY version DESC LIMIT ?`);
  const insert = db.prepare(`INSERT INTO envoy_snapshot VALUES (?, ?, ?, ?, ?)`);
  const prune = db.prepare(
    `DELETE FROM envoy_snapshot WHERE version NOT IN
       (SELECT version FROM envoy_snapshot ORDER BY version DESC LIMIT ${revisionsKept})`,
  );

  const read = (limit: number): EnvoySnapshot[] =>
    newest.all(limit).map((found) => row.parse({ ...found }));

  const swap = (expected: number, next: EnvoySnapshot): void => {
    const found = read(1)[0]?.version ?? 0;
    if (found !== expected) {
      throw new CloverError('CLV_CONFLICT', `the head is ${found}, not ${expected}`);
    }
    const { version, hash, resources, released, at } = next;
    insert.run(version, hash, resources, JSON.stringify(released), at);
    prune.run();
  };

  return {
    head: async () => read(1)[0],
    revisions: async () => read(revisionsKept),
    advance: async (expected, next) => {
      if (next.version <= expected)
        throw new RangeError('a snapshot has to be newer than the head');
      const snapshot = { ...next, at: options.clock.now() };
      transaction(db, () => swap(expected, snapshot));
      return snapshot;
    },
    close: async () => db.close(),
  };
}
