import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ExecutionContext } from 'ava';

/** Makes a database file from SQL; it goes away with the test. */
export async function storedFile(t: ExecutionContext, sql: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-stored-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'stored.db');
  // Tables of a dump come in the order of their names.
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec(sql);
  db.close();
  return path;
}

/**
 * Holds a store to what holds for the files of all: it opens one of before files had versions, `unversioned`, and gives it
 * a version; one of a newer Clover it refuses, and leaves it as it is.
 * @param steps since then: the columns that each gives to all rows of a table.
 */
export async function holdToVersions(
  t: ExecutionContext,
  unversioned: URL,
  open: (path: string) => { close(): Promise<void> },
  steps: readonly Readonly<Record<string, Row>>[] = [],
): Promise<void> {
  const version = 1 + steps.length;
  const path = await storedFile(t, await readFile(unversioned, 'utf8'));
  const before = contentOf(path);
  t.is(before.version, 0);
  await open(path).close();
  const after = contentOf(path);
  const tables = Object.entries(before.tables).map(([name, rows]) => {
    const added = steps.flatMap((step) => Object.entries(step[name] ?? {}));
    const grown = (row: Row): Row => Object.fromEntries([...Object.entries(row), ...added]);
    return [name, rows.map(grown)] as const;
  });
  t.deepEqual(after, { version, tables: Object.fromEntries(tables) });

  const newer = await storedFile(t, 'CREATE TABLE theirs (x); PRAGMA user_version = 99;');
  t.throws(() => open(newer), {
    code: 'CLV_CONFIG_INVALID',
    message: new RegExp(
      `schema has version 99 and this Clover knows up to ${version}: a newer Clover wrote it`,
    ),
  });
  t.deepEqual(contentOf(newer), { version: 99, tables: { theirs: [] } });
}

type Row = Readonly<Record<string, unknown>>;

/** All rows of a file by table, and its version. */
function contentOf(path: string): { version: unknown; tables: Record<string, readonly Row[]> } {
  const db = new DatabaseSync(path, { readOnly: true });
  const version = db.prepare('PRAGMA user_version').get()?.['user_version'];
  const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  const tables = names.all().map(({ name }) => {
    const table = String(name);
    const rows = db.prepare(`SELECT * FROM "${table}"`).all();
    return [table, rows.map((row): Row => Object.fromEntries(Object.entries(row)))] as const;
  });
  db.close();
  return { version, tables: Object.fromEntries(tables) };
}
