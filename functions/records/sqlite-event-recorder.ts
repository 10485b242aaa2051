import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import {
  eventsApiVersion,
  kubernetesEvent,
  type KubernetesEvent,
} from '../../knative/kubernetes-event.ts';
import type { Clock } from '../lib/clock.ts';
import { createFollower, type Kept } from '../lib/follower.ts';
import { migrate, type Schema } from '../lib/migrate.ts';
import { transaction } from '../lib/transaction.ts';
import type { EventRecorder, RecordInput, RecordQuery } from './event-recorder.ts';
import {
  badContinue,
  controller,
  defaultLimit,
  microTime,
  seriesMs,
  shorten,
  wordsOf,
} from './record-words.ts';

/** Options of {@link createSqliteEventRecorder}. */
export interface SqliteEventRecorderOptions {
  readonly path: string;
  readonly clock: Clock;
  /** `reportingInstance` of the records: which process wrote them. */
  readonly instance: string;
  /** Records are kept for so many milliseconds after they were seen last. Default: a day. */
  readonly maxAgeMs?: number;
  /** At most so many are kept. Default 10 000. */
  readonly maxRecords?: number;
}

const tables = `
CREATE TABLE IF NOT EXISTS records (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  words TEXT NOT NULL UNIQUE,
  seen INTEGER NOT NULL,
  count INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  type TEXT NOT NULL,
  reason TEXT NOT NULL,
  event TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS record_objects (
  record INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
  uid TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (record, uid)
) STRICT;
CREATE INDEX IF NOT EXISTS record_objects_name ON record_objects (name, kind);
CREATE TABLE IF NOT EXISTS record_changes (
  version INTEGER PRIMARY KEY AUTOINCREMENT,
  record INTEGER NOT NULL UNIQUE REFERENCES records (id) ON DELETE CASCADE
) STRICT;
INSERT INTO record_changes (record)
  SELECT id FROM records WHERE id NOT IN (SELECT record FROM record_changes) ORDER BY seen, id;
CREATE TABLE IF NOT EXISTS forgotten_records (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO forgotten_records VALUES (1, 0);
CREATE TRIGGER IF NOT EXISTS forget_record BEFORE DELETE ON records BEGIN
  UPDATE forgotten_records SET version =
    max(version, (SELECT coalesce(max(version), 0) FROM record_changes WHERE record = OLD.id));
END;
CREATE TABLE IF NOT EXISTS transitions (
  uid TEXT NOT NULL,
  what TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (uid, what)
) STRICT;
`;

const schema: Schema = {
  settings: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;',
  steps: [tables],
};

const recordRow = z.object({
  id: z.int(),
  version: z.int(),
  seen: z.int(),
  count: z.int(),
  event: z.string(),
});
const keptRow = z.object({ newest: z.int(), forgotten: z.int() });
const valueRow = z.object({ value: z.string() });

/** Records in one SQLite file, durable once a method has resolved. */
export function createSqliteEventRecorder(options: SqliteEventRecorderOptions): EventRecorder {
  const { path, clock, instance, maxAgeMs = 24 * 3_600_000, maxRecords = 10_000 } = options;
  const db = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true });
  migrate(db, schema);
  const sql = {
    transition: db.prepare('SELECT value FROM transitions WHERE uid = ? AND what = ?'),
    setTransition: db.prepare(
      'INSERT INTO transitions (uid, what, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
    forget: db.prepare('DELETE FROM transitions WHERE uid = ?'),
    add: db.prepare(
      `INSERT INTO records (words, seen, count, namespace, type, reason, event) VALUES (?, ?, 1, ?, ?, ?, ?)
       ON CONFLICT (words) DO UPDATE SET seen = excluded.seen, count = count + 1 RETURNING id`,
    ),
    // JSON never ends like this: the words are free for the next series.
    endSeries: db.prepare(
      `UPDATE records SET words = words || '#' || id WHERE words = ? AND seen < ?`,
    ),
    addObject: db.prepare(
      'INSERT OR IGNORE INTO record_objects (record, uid, kind, name) VALUES (?, ?, ?, ?)',
    ),
    trimOld: db.prepare('DELETE FROM records WHERE seen < ?'),
    trimMany: db.prepare(
      'DELETE FROM records WHERE id IN (SELECT id FROM records ORDER BY seen DESC, id DESC LIMIT -1 OFFSET ?)',
    ),
    change: db.prepare('INSERT OR REPLACE INTO record_changes (record) VALUES (?)'),
    changed: db.prepare(
      `SELECT id, version, seen, count, event FROM records JOIN record_changes ON record = id
       WHERE version > ? ORDER BY version LIMIT 100`,
    ),
    kept: db.prepare(
      `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'record_changes'), 0) AS newest,
       version AS forgotten FROM forgotten_records`,
    ),
  };

  const write = (record: RecordInput, now: number): void => {
    const { type, reason, action, regarding, related } = record;
    const note = shorten(record.note);
    const { namespace } = regarding;
    const uid = randomUUID();
    const event: KubernetesEvent = {
      apiVersion: eventsApiVersion,
      kind: 'Event',
      metadata: {
        name: `${regarding.name}.${uid.slice(0, 8)}`,
        namespace,
        uid,
        resourceVersion: '0',
        creationTimestamp: new Date(Math.floor(now / 1_000) * 1_000)
          .toISOString()
          .replace('.000Z', 'Z'),
      },
      eventTime: microTime(now),
      reportingController: controller,
      reportingInstance: instance,
      action,
      reason,
      regarding,
      ...(related === undefined ? {} : { related }),
      note,
      type,
    };
    const words = wordsOf(record);
    sql.endSeries.run(words, now - seriesMs);
    const { id } = z
      .object({ id: z.int() })
      .parse(sql.add.get(words, now, namespace, type, reason, JSON.stringify(event)));
    for (const object of [regarding, ...(related === undefined ? [] : [related])]) {
      sql.addObject.run(id, object.uid, object.kind, object.name);
    }
    sql.change.run(id);
    sql.trimOld.run(now - maxAgeMs);
    sql.trimMany.run(maxRecords);
  };

  const kept = (): Kept => keptRow.parse(sql.kept.get());
  const changes = createFollower({
    what: 'records',
    kept,
    after: (version) => sql.changed.all(version).map((row) => recordRow.parse(row)),
  });

  return {
    noted: async (uid, what) => {
      const row = sql.transition.get(uid, what);
      return row === undefined ? undefined : valueRow.parse(row).value;
    },
    note: async ({ uid, what, to }, record) => {
      transaction(db, () => {
        sql.setTransition.run(uid, what, to);
        if (record !== undefined) write(record, clock.now());
      });
      changes.announce();
    },
    forget: async (uid) => {
      sql.forget.run(uid);
    },
    list: async (query) => {
      const { limit = defaultLimit } = query;
      const { where, values } = conditions(query, clock.now() - maxAgeMs);
      const rows = db
        .prepare(
          `SELECT id, version, seen, count, event FROM records JOIN record_changes ON record = id WHERE ${where} ORDER BY seen DESC, id DESC LIMIT ?`,
        )
        .all(...values, limit + 1)
        .map((row) => recordRow.parse(row));
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const more = rows.length > limit && last !== undefined;
      return {
        apiVersion: eventsApiVersion,
        kind: 'EventList',
        metadata: {
          resourceVersion: String(kept().newest),
          ...(more ? { continue: `${last.seen}-${last.id}` } : {}),
        },
        items: page.map(eventOf),
      };
    },
    watch: (from, { signal }) =>
      changes.watch(from, signal, (record) => ({
        type: record.count > 1 ? 'MODIFIED' : 'ADDED',
        object: eventOf(record),
      })),
    close: async () => {
      changes.close();
      db.close();
    },
  };
}

function conditions(
  query: RecordQuery,
  oldest: number,
): { readonly where: string; readonly values: (string | number)[] } {
  const parts: string[] = ['seen >= ?'];
  const values: (string | number)[] = [oldest];
  const add = (sql: string, ...given: (string | number)[]): void => {
    parts.push(sql);
    values.push(...given);
  };
  const { namespace, object = {}, type, reason } = query;
  if (namespace !== undefined) add('namespace = ?', namespace);
  if (type !== undefined) add('type = ?', type);
  if (reason !== undefined) add('reason = ?', reason);
  const named = (['kind', 'name', 'uid'] as const).flatMap((column) => {
    const value = object[column];
    return value === undefined ? [] : [{ column, value }];
  });
  if (named.length > 0) {
    const columns = named.map(({ column }) => `${column} = ?`).join(' AND ');
    const matching = `SELECT record FROM record_objects WHERE ${columns}`;
    add(`id IN (${matching})`, ...named.map(({ value }) => value));
  }
  if (query.continue !== undefined) {
    const place = /^(\d{1,15})-(\d{1,15})$/.exec(query.continue);
    if (place === null) throw badContinue(query.continue);
    add('(seen, id) < (?, ?)', Number(place[1]), Number(place[2]));
  }
  return { where: parts.join(' AND '), values };
}

function eventOf({ version, seen, count, event }: z.output<typeof recordRow>): KubernetesEvent {
  const { metadata, ...rest } = kubernetesEvent.parse(JSON.parse(event));
  return {
    ...rest,
    metadata: { ...metadata, resourceVersion: String(version) },
    ...(count > 1 ? { series: { count, lastObservedTime: microTime(seen) } } : {}),
  };
}
