import type { Schema } from '../../lib/migrate.ts';

/**
 * synchronous=FULL: a 202 takes custody of the event, so it has to survive a power cut too, which
 * WAL with NORMAL does not promise. The price, one sync per commit, is shared: the worker commits
 * everything that arrived in one turn of its loop together.
 *
 * locking_mode=EXCLUSIVE: which rows are in flight is known to one process only, so a second one
 * on the same file would deliver everything twice. The lock ends with the process.
 */
const settings = `
PRAGMA busy_timeout = 2000;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
`;

/**
 * deliveries.out: 1 while it is with its function. Who finds it set at the start knows that the process
 * ended meanwhile; 2 while it waits as a suspect. deliveries.crashes: processes in a row that ended while
 * it was with its function. deliveries.at: when the row was taken, Unix ms; of rows from before there was this column,
 * when they are due. deliveries.wait: the ms from the last attempt to `due`; of rows from before there was this column no
 * less than it was.
 *
 * dead_letters.error: JSON object of the attributes that say why; of letters from before there was this column they are
 * taken out of those of the event.
 */
const steps: readonly string[] = [
  `
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY,
  attributes TEXT NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event INTEGER NOT NULL REFERENCES events (id),
  route TEXT NOT NULL,
  failed INTEGER NOT NULL DEFAULT 0,
  due INTEGER NOT NULL,
  out INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_head ON deliveries (route, due, id);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  route TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  at INTEGER NOT NULL,
  attributes TEXT NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS marks (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
`,
  `
DROP INDEX deliveries_head;
CREATE INDEX deliveries_waiting ON deliveries (route, due, id) WHERE out = 0;
CREATE INDEX dead_letters_route ON dead_letters (route, id);
`,
  `
ALTER TABLE deliveries ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET at = due;
DELETE FROM events WHERE id NOT IN (SELECT event FROM deliveries);
`,
  `
ALTER TABLE deliveries ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_alone ON deliveries (due, id) WHERE out = 2;
`,
  `
ALTER TABLE deliveries ADD COLUMN wait INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET wait = min(max(due - at, 0), 86400000);
`,
  `
ALTER TABLE dead_letters ADD COLUMN error TEXT NOT NULL DEFAULT '{}';
UPDATE dead_letters SET
  error = (SELECT json_group_object(key, value) FROM json_each(attributes) WHERE key IN ('knativeerrordest', 'knativeerrorcode', 'knativeerrordata')),
  attributes =
    json_remove(attributes, '$.knativeerrordest', '$.knativeerrorcode', '$.knativeerrordata')
  WHERE json_valid(attributes);
`,
];

/** The queue's file. */
export const queueSchema: Schema = { settings, steps };
