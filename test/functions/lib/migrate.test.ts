import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { migrate, type Schema } from '../../../functions/lib/migrate.ts';
import { storedFile } from './stored-file.ts';

const schema: Schema = {
  settings: 'PRAGMA busy_timeout = 5000;',
  steps: [
    'CREATE TABLE IF NOT EXISTS t (a INTEGER) STRICT;',
    'ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a + 1;',
    'ALTER TABLE t ADD COLUMN c INTEGER; UPDATE t SET c = b * 2;',
  ],
};
const old = 'CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1);';
const rowOf = (db: DatabaseSync): unknown => ({ ...db.prepare('SELECT * FROM t').get() });
const versionOf = (db: DatabaseSync): unknown =>
  db.prepare('PRAGMA user_version').get()?.['user_version'];

test('a file takes the steps that it has not taken, in their order and once', async (t) => {
  const files = [
    old,
    `${old} PRAGMA user_version = 1;`,
    `${old} ${schema.steps[1]} PRAGMA user_version = 2;`,
  ];
  for (const sql of files) {
    const path = await storedFile(t, sql);
    for (let opening = 0; opening < 2; opening += 1) {
      const db = new DatabaseSync(path);
      migrate(db, schema);
      t.deepEqual(rowOf(db), { a: 1, b: 2, c: 4 });
      t.is(versionOf(db), 3);
      db.close();
    }
  }
});

test('a step that fails leaves the file as it was, and closes it', async (t) => {
  const path = await storedFile(t, old);
  const db = new DatabaseSync(path);
  const broken = { ...schema, steps: [...schema.steps, 'ALTER TABLE missing ADD COLUMN d;'] };
  t.throws(() => migrate(db, broken), { message: /no such table: missing/ });
  t.false(db.isOpen);
  const after = new DatabaseSync(path);
  t.deepEqual(rowOf(after), { a: 1 });
  t.is(versionOf(after), 0);
  after.close();
});

test('who waits while another process takes the steps does not take them again', async (t) => {
  const path = await storedFile(t, old);
  const first = new DatabaseSync(path);
  /** The other one is quicker by the time that this one asks for the lock. */
  class Late extends DatabaseSync {
    override exec(sql: string): void {
      if (sql === 'BEGIN IMMEDIATE') migrate(first, schema);
      super.exec(sql);
    }
  }
  const second = new Late(path);
  migrate(second, schema);
  t.deepEqual(rowOf(second), { a: 1, b: 2, c: 4 });
  first.close();
  second.close();
});

test('a file of a newer version is refused', async (t) => {
  const path = await storedFile(t, `${old} PRAGMA user_version = 4;`);
  const db = new DatabaseSync(path);
  t.throws(() => migrate(db, schema), {
    code: 'CLV_CONFIG_INVALID',
    message:
      'its schema has version 4 and this Clover knows up to 3: a newer Clover wrote it, and has to be started',
  });
  t.false(db.isOpen);
});
