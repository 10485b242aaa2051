/**
 * Schema of the broker's database, safe to run at every start.
 *
 * synchronous=FULL: a 202 takes custody of the event, so it has to survive a power cut too, which
 * WAL with NORMAL does not promise. The price, one sync per commit, is shared: the worker commits
 * everything that arrived in one turn of its loop together.
 *
 * locking_mode=EXCLUSIVE: which rows are in flight is known to one process only, so a second one
 * on the same file would deliver everything twice. The lock ends with the process.
 *
 * deliveries.out: 1 while it is with its function. Who finds it set at the start knows that the process
 * ended meanwhile.
 */
export const schema = `
PRAGMA busy_timeout = 2000;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
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
`;
