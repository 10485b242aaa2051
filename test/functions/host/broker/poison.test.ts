import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { eventOf, temporaryFolder, until } from '../helpers.ts';
import { entryFor, isEmpty, openBroker } from './open-broker.ts';

const program = fileURLToPath(new URL('../fixtures/poisoned-process.ts', import.meta.url));
const entries = [entryFor(['a', 'b'])];

test('an event that kills the process at each start is set aside, and it alone', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'broker.db');
  const before = await openBroker(t, entries, { path });
  const ids = Array.from({ length: 40 }, (_, index) => String(index));
  for (const id of [...ids.slice(0, 10), 'poison', ...ids.slice(10)]) {
    await before.publish(eventOf({ id, type: Number(id) % 2 === 1 ? 'b' : 'a' }));
  }
  await before.close();

  const ends: (number | string)[] = [];
  while (ends.at(-1) !== 0 && ends.length < 10) {
    const child = spawn(process.execPath, [program, path, join(folder, 'seen')], {
      stdio: 'ignore',
    });
    t.teardown(() => child.kill('SIGKILL'));
    await once(child, 'exit');
    ends.push(child.signalCode ?? child.exitCode ?? '');
  }
  t.deepEqual(ends, ['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL', 0], 'as often as it has attempts');
  const seen = (await readFile(join(folder, 'seen'), 'utf8')).trim().split('\n');
  t.deepEqual(new Set(seen).size, ids.length, 'all others were delivered');

  const after = await openBroker(t, entries, { path });
  const letters = await after.deadLetters({ limit: 100 });
  t.deepEqual(
    letters.map(({ event, attempts }) => [event.id, attempts]),
    [['poison', 4]],
  );
});

test('a row that was damaged in the file is set aside, and the others flow', async (t) => {
  const path = join(await temporaryFolder(t), 'broker.db');
  const before = await openBroker(t, entries, { path });
  for (const id of ['1', '2', '3']) await before.publish(eventOf({ id, type: 'a' }));
  await before.close();
  const db = new DatabaseSync(path);
  db.exec("UPDATE events SET attributes = 'no JSON' WHERE id = 2");
  db.close();

  const after = await openBroker(t, entries, { path });
  const seen: string[] = [];
  await after.start(async ({ event }) => {
    seen.push(event.id);
    return { status: 200, message: '' };
  });
  await until(() => isEmpty(after));
  t.deepEqual(seen.toSorted(), ['1', '3']);
  const [letter] = await after.deadLetters({ limit: 10 });
  t.like(letter, { trigger: 'on-a', attempts: 1, event: { id: 'unreadable' } });
  t.is(letter?.event.extensions['knativeerrorcode'], '400');
});
