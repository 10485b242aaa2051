import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import type { CloudEvent } from '../../lib/cloud-event.ts';
import { attributesOf, eventFromAttributes } from '../cloud-event-attributes.ts';
import type { DeadLetter, Mark, Outcome, QueueLimits } from './messages.ts';
import { schema } from './schema.ts';

/** A row that waits. */
export interface Waiting {
  readonly id: number;
  /** Unix ms. */
  readonly due: number;
}

/** A row with its event. */
export interface StoredDelivery {
  readonly id: number;
  readonly route: string;
  /** Attempts that failed so far. */
  readonly failed: number;
  readonly event: CloudEvent;
}

/** The durable rows behind the broker. Synchronous: it lives in the worker thread. */
export interface Queue {
  /** Runs the work in one transaction: one sync to disk for everything in it. */
  transaction(work: () => void): void;
  /** Adds a row per route; false when that would be too much. */
  add(routes: readonly string[], event: CloudEvent, now: number): boolean;
  /** Whether a row of the route is stored, in flight or not. */
  has(route: string): boolean;
  /** The first rows of a route by due time. */
  head(route: string, count: number): readonly Waiting[];
  load(id: number): StoredDelivery;
  remove(id: number): void;
  /** Counts a failed attempt. */
  postpone(id: number, due: number): void;
  /**
   * Notes that rows are out. Not synced: it has to survive the process, not a power cut.
   */
  sendOut(ids: readonly number[]): void;
  /** Rows that were out when the last process ended. */
  leftOut(): readonly number[];
  /** No row waits longer than until then. */
  hasten(due: number): void;
  /** Removes the row and keeps its event as a dead letter; returns how many old ones made room. */
  bury(id: number, destination: string, outcome: Outcome, now: number): number;
  /** Names of the routes that have rows. */
  routes(): readonly string[];
  mark(key: string): string | undefined;
  setMark(mark: Mark): void;
  deadLetters(limit: number): readonly DeadLetter[];
  depth(): { readonly deliveries: number; readonly dead: number };
  close(): void;
}

/** Knative keeps as much of an error's body. */
const errorDataBytes = 1_024;
const text = z.string();
const integer = z.int();
const attributes = z.record(z.string(), z.string());

/** Opens or creates the queue's database; one process at a time. */
export function createQueue(path: string, limits: QueueLimits): Queue {
  const db = new DatabaseSync(path);
  db.exec(schema);
  const sql = statements(db);
  const usage = { deliveries: 0, bytes: 0, dead: 0 };
  const measure = (): void => {
    usage.deliveries = one(sql.countDeliveries.get());
    usage.bytes = one(sql.countBytes.get());
    usage.dead = one(sql.countDead.get());
  };
  measure();

  const load = (id: number): StoredDelivery => {
    const row = sql.load.get(id);
    if (row === undefined) throw new Error(`no delivery ${id}`);
    return {
      id,
      route: text.parse(row['route']),
      failed: integer.parse(row['failed']),
      event: eventOf(row),
    };
  };
  const remove = (id: number): void => {
    const event = sql.remove.get(id)?.['event'];
    if (event === undefined) return;
    usage.deliveries -= 1;
    const unused = sql.removeUnused.get(event, event);
    if (unused !== undefined) usage.bytes -= one(unused);
  };

  const transaction = (work: () => void): void => {
    db.exec('BEGIN IMMEDIATE');
    try {
      work();
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      measure();
      throw error;
    }
  };

  return {
    transaction,
    add: (routes, event, now) => {
      const size = event.data.length;
      if (usage.deliveries + routes.length > limits.deliveries) return false;
      if (usage.bytes + size > limits.bytes) return false;
      const header = JSON.stringify(Object.fromEntries(attributesOf(event)));
      const { lastInsertRowid } = sql.addEvent.run(header, event.data);
      for (const route of routes) sql.addDelivery.run(lastInsertRowid, route, now);
      usage.deliveries += routes.length;
      usage.bytes += size;
      return true;
    },
    has: (route) => sql.head.get(route, 1) !== undefined,
    head: (route, count) =>
      sql.head
        .all(route, count)
        .map((row) => ({ id: integer.parse(row['id']), due: integer.parse(row['due']) })),
    load,
    remove,
    postpone: (id, due) => {
      sql.postpone.run(due, id);
    },
    sendOut: (ids) => {
      if (ids.length === 0) return;
      db.exec('PRAGMA synchronous = NORMAL');
      try {
        transaction(() => {
          for (const id of ids) sql.sendOut.run(id);
        });
      } finally {
        db.exec('PRAGMA synchronous = FULL');
      }
    },
    leftOut: () => sql.leftOut.all().map((row) => integer.parse(row['id'])),
    hasten: (due) => {
      sql.hasten.run(due, due);
    },
    bury: (id, destination, outcome, now) => {
      const { route, failed, event } = load(id);
      const header = Object.fromEntries(attributesOf(withError(event, destination, outcome)));
      sql.addDead.run(route, failed + 1, now, JSON.stringify(header), event.data);
      remove(id);
      const dropped = Number(sql.trimDead.run(limits.deadLetters).changes);
      usage.dead += 1 - dropped;
      return dropped;
    },
    routes: () => sql.routes.all().map((row) => text.parse(row['route'])),
    mark: (key) => {
      const row = sql.mark.get(key);
      return row === undefined ? undefined : text.parse(row['value']);
    },
    setMark: ({ key, value }) => {
      sql.setMark.run(key, value);
    },
    deadLetters: (limit) =>
      sql.deadLetters.all(limit).map((row) => ({
        id: integer.parse(row['id']),
        trigger: text.parse(row['route']),
        attempts: integer.parse(row['attempts']),
        at: integer.parse(row['at']),
        event: eventOf(row),
      })),
    depth: () => ({ deliveries: usage.deliveries, dead: usage.dead }),
    close: () => db.close(),
  };
}

const one = (row: Record<string, SQLOutputValue> | undefined): number => integer.parse(row?.['n']);

function statements(db: DatabaseSync) {
  return {
    countDeliveries: db.prepare('SELECT count(*) AS n FROM deliveries'),
    countBytes: db.prepare('SELECT coalesce(sum(length(data)), 0) AS n FROM events'),
    countDead: db.prepare('SELECT count(*) AS n FROM dead_letters'),
    addEvent: db.prepare('INSERT INTO events (attributes, data) VALUES (?, ?)'),
    addDelivery: db.prepare('INSERT INTO deliveries (event, route, due) VALUES (?, ?, ?)'),
    head: db.prepare('SELECT id, due FROM deliveries WHERE route = ? ORDER BY due, id LIMIT ?'),
    load: db.prepare(
      'SELECT route, failed, attributes, data FROM deliveries d JOIN events e ON e.id = d.event WHERE d.id = ?',
    ),
    remove: db.prepare('DELETE FROM deliveries WHERE id = ? RETURNING event'),
    removeUnused: db.prepare(
      `DELETE FROM events WHERE id = ? AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?)
       RETURNING length(data) AS n`,
    ),
    postpone: db.prepare(
      'UPDATE deliveries SET failed = failed + 1, due = ?, out = 0 WHERE id = ?',
    ),
    sendOut: db.prepare('UPDATE deliveries SET out = 1 WHERE id = ?'),
    leftOut: db.prepare('SELECT id FROM deliveries WHERE out = 1'),
    hasten: db.prepare('UPDATE deliveries SET due = ? WHERE due > ?'),
    routes: db.prepare('SELECT DISTINCT route FROM deliveries'),
    mark: db.prepare('SELECT value FROM marks WHERE key = ?'),
    setMark: db.prepare('INSERT OR REPLACE INTO marks (key, value) VALUES (?, ?)'),
    addDead: db.prepare(
      'INSERT INTO dead_letters (route, attempts, at, attributes, data) VALUES (?, ?, ?, ?, ?)',
    ),
    trimDead: db.prepare(
      'DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?',
    ),
    deadLetters: db.prepare('SELECT * FROM dead_letters ORDER BY id DESC LIMIT ?'),
  };
}

function eventOf(row: Record<string, SQLOutputValue>): CloudEvent {
  const header = attributes.parse(JSON.parse(text.parse(row['attributes'])));
  const data = z.instanceof(Uint8Array).parse(row['data']);
  return eventFromAttributes(new Map(Object.entries(header)), Buffer.from(data));
}

/** The attributes that Knative adds to an event on its way to a dead-letter sink. */
function withError(event: CloudEvent, destination: string, outcome: Outcome): CloudEvent {
  return {
    ...event,
    extensions: {
      ...event.extensions,
      knativeerrordest: destination,
      knativeerrorcode: String(outcome.status),
      knativeerrordata: Buffer.from(outcome.message).subarray(0, errorDataBytes).toString('base64'),
    },
  };
}
