import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { transaction } from '../../../functions/lib/transaction.ts';

function open(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t (value TEXT NOT NULL) STRICT');
  return db;
}

const values = (db: DatabaseSync): unknown[] => db.prepare('SELECT value FROM t').all();

test('what the work gives is given on, and what it wrote stays', (t) => {
  const db = open();
  t.is(
    transaction(db, () => {
      db.exec("INSERT INTO t VALUES ('a')");
      return 7;
    }),
    7,
  );
  t.is(values(db).length, 1);
  t.false(db.isTransaction);
});

test('a throw undoes all of the work, and is thrown on', (t) => {
  const db = open();
  const error = t.throws(() =>
    transaction(db, () => {
      db.exec("INSERT INTO t VALUES ('a')");
      throw new RangeError('no');
    }),
  );
  t.is(error.message, 'no');
  t.is(values(db).length, 0);
  t.false(db.isTransaction);
});

test('a database that is full says so, though it has rolled back by itself', (t) => {
  const db = open();
  db.exec('PRAGMA max_page_count = 4');
  const error = t.throws(() =>
    transaction(db, () => {
      const add = db.prepare('INSERT INTO t VALUES (?)');
      for (let row = 0; row < 100; row += 1) add.run('x'.repeat(4_000));
    }),
  );
  t.regex(error.message, /full/);
  t.is(values(db).length, 0);
  t.false(db.isTransaction);
});
