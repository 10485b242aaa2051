import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { migrate } from '../../lib/migrate.ts';
import { transaction } from '../../lib/transaction.ts';
import { columns } from './columns.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import type { Envelope } from './envelope.ts';
import type { Flow, Mark, Posted, QueueLimits, RefusalCause } from './messages.ts';
import { queueSchema } from './schema.ts';

/** A row without its event: what has to be known to change it. */
export interface Ticket {
  readonly id: number;
  readonly route: string;
  /** Attempts that failed so far. */
  readonly failed: number;
  readonly event: number;
  /** Bytes of the event, attributes and data. */
  readonly size: number;
}

/** A row with its event. */
export interface StoredDelivery extends Ticket, Envelope {
  /** Unix ms. */
  readonly due: number;
}

/** A row that may end the process. */
export interface Suspect extends StoredDelivery {
  /** Processes in a row that ended while it was out, from 2. */
  readonly crashes: number;
}

/** The durable rows behind the broker. Synchronous: it lives in the worker thread. */
export interface Queue {
  /** Runs the work in one transaction: one sync to disk for everything in it. */
  transaction(work: () => void): void;
  /** Adds a row per route; false when that would be too much for the queue, or for one of the routes. */
  add(posted: Posted, now: number): boolean;
  /** Rows of a route, in flight or not. */
  rowsOf(route: string): number;
  /** The first rows of a route that are due and not out, by due time. */
  due(route: string, now: number, count: number): readonly StoredDelivery[];
  /** When the next row of a route that is not out is due, Unix ms. */
  nextDue(route: string): number | undefined;
  load(id: number): StoredDelivery;
  remove(ticket: Ticket): void;
  /** Counts a failed attempt; the row waits again, for so many ms. */
  postpone(id: number, now: number, wait: number): void;
  /** Counts an attempt that the process did not outlive; after the second one in a row it is a suspect. */
  postponeCrashed(id: number, now: number, wait: number): void;
  /** The first row, by due time, of the suspects: those that were out in two crashes in a row or more. */
  firstSuspect(): Suspect | undefined;
  /** Notes that the row is with its function. */
  sendOut(id: number): void;
  /** Rows that were out when the last process ended. */
  leftOut(): readonly StoredDelivery[];
  /** Every row of a route. */
  all(route: string): readonly StoredDelivery[];
  /** No row waits longer from now on than it had to wait in all: the clock may have been set back meanwhile. */
  hasten(now: number): void;
  mark(key: string): string | undefined;
  /** Marks whose keys begin so. */
  marks(prefix: string): readonly Mark[];
  setMark(mark: Mark): void;
  readonly dead: DeadLetters;
  depth(): number;
  /** Rows by route; those without are absent. */
  depths(): ReadonlyMap<string, number>;
  /** What was added and removed by route, since it was opened. */
  flow(route: string): Flow;
  /** Counts an event that could not be written. */
  refusedByDisk(): void;
  /** Why events found no room, since it was opened. */
  refusals(): Readonly<Record<RefusalCause, number>>;
  /** When the first of all rows was added, Unix ms; undefined without rows. */
  oldest(): number | undefined;
  close(): void;
}

interface Usage {
  rows: number;
  bytes: number;
}

/** What is counted for good; a transaction that fails has counted nothing. */
interface Tally {
  readonly flows: Map<string, { enqueued: number; settled: number }>;
  readonly refusals: Record<RefusalCause, number>;
}

const pageBytes = 4_096;

/** Opens or creates the queue's database; one process at a time. */
export function createQueue(path: string, limits: QueueLimits): Queue {
  const db = new DatabaseSync(path);
  migrate(db, queueSchema);
  // What is larger already may stay; it grows no more.
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(limits.fileBytes / pageBytes))}`);
  const sql = statements(db);
  const dead = createDeadLetters(db, limits);
  const total: Usage = { rows: 0, bytes: 0 };
  const byRoute = new Map<string, Usage>();
  const tally: Tally = { flows: new Map(), refusals: { full: 0, share: 0, disk: 0 } };
  let counts: (() => void)[] = [];

  const measure = (): void => {
    total.bytes = columns(sql.bytes.get()).integer('bytes');
    total.rows = 0;
    byRoute.clear();
    for (const values of sql.usage.all()) {
      const row = columns(values);
      const usage = { rows: row.integer('n'), bytes: row.integer('bytes') };
      byRoute.set(row.text('route'), usage);
      total.rows += usage.rows;
    }
    dead.measure();
  };
  measure();

  /**
   * A route may hold as much as is free beside it (the dynamic threshold of shared buffers): one that stands
   * still takes half of the queue, two of them a third each, and there is always room for the others.
   */
  const hasRoom = (route: string, size: number): boolean => {
    const { rows, bytes } = byRoute.get(route) ?? { rows: 0, bytes: 0 };
    return rows < limits.deliveries - total.rows && bytes + size <= limits.bytes - total.bytes;
  };
  const use = (route: string, rows: number, bytes: number): void => {
    const usage = byRoute.get(route) ?? { rows: 0, bytes: 0 };
    usage.rows += rows;
    usage.bytes += bytes;
    total.rows += rows;
    if (usage.rows === 0) byRoute.delete(route);
    else byRoute.set(route, usage);
    counts.push(() => {
      const flow = tally.flows.get(route) ?? { enqueued: 0, settled: 0 };
      flow[rows > 0 ? 'enqueued' : 'settled'] += Math.abs(rows);
      tally.flows.set(route, flow);
    });
  };
  const refuse = (cause: RefusalCause): false => {
    counts.push(() => {
      tally.refusals[cause] += 1;
    });
    return false;
  };

  return {
    transaction: (work) => {
      counts = [];
      try {
        transaction(db, work);
        for (const count of counts) count();
      } catch (error) {
        measure();
        throw error;
      }
    },
    add: ({ routes, header, data }, now) => {
      // A reply that nobody takes: without a row there would be nothing to remove it again.
      if (routes.length === 0) return true;
      const size = data.length + Buffer.byteLength(header);
      if (total.rows + routes.length > limits.deliveries || total.bytes + size > limits.bytes) {
        return refuse('full');
      }
      if (!routes.every((route) => hasRoom(route, size))) return refuse('share');
      const { lastInsertRowid } = sql.addEvent.run(header, data);
      for (const route of routes) {
        sql.addDelivery.run(lastInsertRowid, route, now, now);
        use(route, 1, size);
      }
      total.bytes += size;
      return true;
    },
    rowsOf: (route) => byRoute.get(route)?.rows ?? 0,
    due: (route, now, count) => sql.due.all(route, now, count).map(delivery),
    nextDue: (route) => {
      const row = sql.nextDue.get(route);
      return row === undefined ? undefined : columns(row).integer('due');
    },
    load: (id) => delivery(sql.load.get(id)),
    remove: ({ id, route, event, size }) => {
      sql.remove.run(id);
      use(route, -1, -size);
      if (sql.removeUnused.run(event, event).changes > 0) total.bytes -= size;
    },
    postpone: (id, now, wait) => {
      sql.postpone.run(now + wait, wait, id);
    },
    postponeCrashed: (id, now, wait) => {
      sql.postponeCrashed.run(now + wait, wait, id);
    },
    firstSuspect: () => {
      const row = sql.firstSuspect.get();
      if (row === undefined) return undefined;
      return { ...delivery(row), crashes: columns(row).integer('crashes') };
    },
    sendOut: (id) => {
      sql.sendOut.run(id);
    },
    leftOut: () => sql.leftOut.all().map(delivery),
    all: (route) => sql.all.all(route).map(delivery),
    hasten: (now) => {
      sql.hasten.run(now);
    },
    mark: (key) => {
      const row = sql.mark.get(key);
      return row === undefined ? undefined : columns(row).text('value');
    },
    marks: (prefix) =>
      sql.marks.all(prefix).map((values) => {
        const row = columns(values);
        return { key: row.text('key'), value: row.text('value') };
      }),
    setMark: ({ key, value }) => {
      if (value === undefined) sql.removeMark.run(key);
      else sql.setMark.run(key, value);
    },
    dead,
    depth: () => total.rows,
    depths: () => new Map([...byRoute].map(([route, { rows }]) => [route, rows])),
    flow: (route) => ({ enqueued: 0, settled: 0, ...tally.flows.get(route) }),
    refusedByDisk: () => {
      tally.refusals.disk += 1;
    },
    refusals: () => ({ ...tally.refusals }),
    oldest: () => {
      const row = sql.oldest.get();
      return row === undefined ? undefined : columns(row).integer('at');
    },
    close: () => db.close(),
  };
}

function statements(db: DatabaseSync) {
  const bytes = 'length(e.data) + octet_length(e.attributes)';
  const rows = `SELECT d.id, d.route, d.failed, d.due, d.crashes, d.event, e.attributes, e.data
    FROM deliveries d JOIN events e ON e.id = d.event`;
  return {
    bytes: db.prepare(`SELECT coalesce(sum(${bytes}), 0) AS bytes FROM events e`),
    usage: db.prepare(
      `SELECT d.route, count(*) AS n, sum(${bytes}) AS bytes
       FROM deliveries d JOIN events e ON e.id = d.event GROUP BY d.route`,
    ),
    addEvent: db.prepare('INSERT INTO events (attributes, data) VALUES (?, ?)'),
    addDelivery: db.prepare('INSERT INTO deliveries (event, route, due, at) VALUES (?, ?, ?, ?)'),
    due: db.prepare(
      `${rows} WHERE d.route = ? AND d.out = 0 AND d.due <= ? ORDER BY d.due, d.id LIMIT ?`,
    ),
    nextDue: db.prepare(
      'SELECT due FROM deliveries WHERE route = ? AND out = 0 ORDER BY due, id LIMIT 1',
    ),
    oldest: db.prepare('SELECT at FROM deliveries ORDER BY id LIMIT 1'),
    load: db.prepare(`${rows} WHERE d.id = ?`),
    all: db.prepare(`${rows} WHERE d.route = ? ORDER BY d.id`),
    leftOut: db.prepare(`${rows} WHERE d.out = 1 ORDER BY d.id`),
    remove: db.prepare('DELETE FROM deliveries WHERE id = ?'),
    removeUnused: db.prepare(
      'DELETE FROM events WHERE id = ? AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?)',
    ),
    postpone: db.prepare(
      `UPDATE deliveries SET failed = failed + 1, due = ?, wait = ?, out = 0, crashes = 0
       WHERE id = ?`,
    ),
    postponeCrashed: db.prepare(
      `UPDATE deliveries SET failed = failed + 1, due = ?, wait = ?, crashes = crashes + 1,
       out = CASE crashes WHEN 0 THEN 0 ELSE 2 END WHERE id = ?`,
    ),
    firstSuspect: db.prepare(`${rows} WHERE d.out = 2 ORDER BY d.due, d.id LIMIT 1`),
    sendOut: db.prepare('UPDATE deliveries SET out = 1 WHERE id = ?'),
    hasten: db.prepare('UPDATE deliveries SET due = ?1 + wait WHERE due > ?1 + wait'),
    mark: db.prepare('SELECT value FROM marks WHERE key = ?'),
    marks: db.prepare('SELECT key, value FROM marks WHERE substr(key, 1, length(?1)) = ?1'),
    removeMark: db.prepare('DELETE FROM marks WHERE key = ?'),
    setMark: db.prepare('INSERT OR REPLACE INTO marks (key, value) VALUES (?, ?)'),
  };
}

function delivery(values: Record<string, SQLOutputValue> | undefined): StoredDelivery {
  const row = columns(values);
  const header = row.text('attributes');
  const data = row.bytes('data');
  return {
    id: row.integer('id'),
    route: row.text('route'),
    failed: row.integer('failed'),
    due: row.integer('due'),
    event: row.integer('event'),
    size: data.length + Buffer.byteLength(header),
    header,
    data,
  };
}
