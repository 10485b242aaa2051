import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import test from 'ava';
import { createDispatcher } from '../../../../functions/host/broker/dispatcher.ts';
import { createQueue } from '../../../../functions/host/broker/queue.ts';
import { routesOf } from '../../../../functions/host/broker/routes.ts';
import { entryOf, temporaryFolder, triggerOf } from '../helpers.ts';

const limits = {
  deliveries: 10,
  bytes: 10_000,
  deadLetters: 10,
  deadLetterBytes: 10_000,
  fileBytes: 1e9,
};
const routes = routesOf([entryOf('f', { triggers: [triggerOf('on-a', 'a')] })]);

/** The tables as the first versions of Clover made them, before files had a version. */
const first = `
CREATE TABLE events (id INTEGER PRIMARY KEY, attributes TEXT NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, event INTEGER NOT NULL REFERENCES events (id),
  route TEXT NOT NULL, failed INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL,
  out INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX deliveries_head ON deliveries (route, due, id);
CREATE INDEX deliveries_event ON deliveries (event);
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT, route TEXT NOT NULL, attempts INTEGER NOT NULL,
  at INTEGER NOT NULL, attributes TEXT NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE TABLE marks (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;
const second = `
DROP INDEX deliveries_head;
CREATE INDEX deliveries_waiting ON deliveries (route, due, id) WHERE out = 0;
CREATE INDEX dead_letters_route ON dead_letters (route, id);
`;
const third = 'ALTER TABLE deliveries ADD COLUMN at INTEGER NOT NULL DEFAULT 5;';
const fourth = `
ALTER TABLE deliveries ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_alone ON deliveries (due, id) WHERE out = 2;
`;

/** A row that waits, one that was out, an event that nobody wants any more, a dead letter, a mark. */
const rows = `
INSERT INTO events VALUES (1, '{"specversion":"1.0","id":"1","source":"/s","type":"a"}', x'01'),
  (2, '{"specversion":"1.0","id":"2","source":"/s","type":"a"}', x'02'), (3, '{}', x'');
INSERT INTO deliveries (event, route, failed, due, out) VALUES (1, 'on-a', 1, 5, 0), (2, 'on-a', 0, 6, 1);
INSERT INTO dead_letters VALUES (7, 'on-a', 4, 3, '{"specversion":"1.0","id":"0","source":"/s","type":"a",' ||
  '"knativeerrordest":"/functions/f","knativeerrorcode":"500","knativeerrordata":"IQ=="}', x''),
  (8, 'on-a', 4, 3, 'damaged', x'');
INSERT INTO marks VALUES ('k', 'v');
`;

test('a file of any older version is brought up to date with all that it holds', async (t) => {
  const folder = await temporaryFolder(t);
  const versions = [
    { version: 0, tables: first },
    { version: 1, tables: first },
    { version: 2, tables: first + second },
    { version: 3, tables: first + second + third },
    { version: 4, tables: first + second + third + fourth },
  ];
  for (const { version, tables } of versions) {
    const path = join(folder, `${version}.db`);
    const old = new DatabaseSync(path);
    old.exec(`${tables} ${rows} PRAGMA user_version = ${version};`);
    old.close();

    const queue = createQueue(path, limits);
    t.is(queue.mark('k'), 'v');
    t.is(queue.oldest(), 5);
    t.deepEqual(queue.dead.get(7), {
      id: 7,
      trigger: 'on-a',
      attempts: 4,
      at: 3,
      header: '{"specversion":"1.0","id":"0","source":"/s","type":"a"}',
      error:
        '{"knativeerrordest":"/functions/f","knativeerrorcode":"500","knativeerrordata":"IQ=="}',
      data: new Uint8Array(0),
    });
    t.like(queue.dead.get(8), { header: 'damaged', error: '{}' });
    const dispatcher = createDispatcher({ queue, routes, now: () => 10_000 });
    dispatcher.start();
    queue.transaction(() => {
      dispatcher.pump();
    });
    const [waited] = dispatcher.committed();
    t.like(waited, { route: 'on-a', attempt: 2, data: new Uint8Array([1]) });
    t.is(dispatcher.counters().depth, 2, `version ${version}`);
    queue.close();

    const again = createQueue(path, limits);
    t.is(again.depth(), 2, 'it is of the newest version now');
    again.close();
  }
});

test('what waits in a file of before waits were written waits on', async (t) => {
  const path = join(await temporaryFolder(t), 'queue.db');
  const old = new DatabaseSync(path);
  old.exec(`${first + second + third + fourth} ${rows} DELETE FROM deliveries WHERE out = 1;
    UPDATE deliveries SET due = 600005; PRAGMA user_version = 4;`);
  old.close();
  const queue = createQueue(path, limits);
  createDispatcher({ queue, routes, now: () => 10_000 });
  t.is(queue.nextDue('on-a'), 600_005);
  queue.close();
});

test('a file of a newer version is left as it is', async (t) => {
  const path = join(await temporaryFolder(t), 'queue.db');
  const newer = new DatabaseSync(path);
  newer.exec('CREATE TABLE theirs (x); PRAGMA user_version = 99;');
  newer.close();
  t.throws(() => createQueue(path, limits), {
    code: 'CLV_CONFIG_INVALID',
    message: /has version 99 .* knows up to \d/,
  });
  const after = new DatabaseSync(path, { readOnly: true });
  t.is(
    after.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'theirs'").get()?.['n'],
    1,
  );
  t.is(after.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'], 1);
  after.close();
});
