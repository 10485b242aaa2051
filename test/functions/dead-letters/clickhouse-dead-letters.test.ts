import test from 'ava';
import { z } from 'zod';
import { startTestClickHouse, type TestClickHouse } from '../analytics/start.ts';
import { eventOf } from '../host/helpers.ts';
import { failed, open, openNew } from './knative.ts';

let clickhouse: TestClickHouse;
test.before(async (t) => {
  t.timeout(120_000);
  clickhouse = await startTestClickHouse();
});
test.after.always(() => clickhouse.remove());

const letter = (id: string, status = 400) => failed(eventOf({ id }), status, 'why');

test.serial(
  'a letter that comes again is the one that came first, for every process',
  async (t) => {
    const store = openNew(t, clickhouse);
    await store.add('on-a', letter('1', 400));
    const [first] = await store.deadLetters({ limit: 10 });
    await Promise.all([
      store.add('on-a', letter('1', 500)),
      open(t, clickhouse).add('on-a', letter('1', 503)),
    ]);
    t.deepEqual(await open(t, clickhouse).deadLetters({ limit: 10 }), [first]);
    await store.add('on-b', letter('1'));
    await store.add('on-a', letter('2'));
    t.is((await store.deadLetters({ limit: 10 })).length, 3, 'another trigger, another event');
    t.true(await store.dropDeadLetter(first?.id ?? 0));
    t.is((await store.deadLetters({ limit: 10 })).length, 2, 'none of its rows is left');
  },
);

test.serial(
  'a letter has its own number, also of many at once, and keeps it when ClickHouse merges',
  async (t) => {
    // The database that the questions of the test are asked in.
    const store = open(t, clickhouse, 'clover');
    const ids = Array.from({ length: 30 }, (_, n) => String(n));
    await Promise.all(ids.map((id) => store.add('on-a', letter(id))));
    const before = await store.deadLetters({ limit: 100 });
    t.is(new Set(before.map(({ id }) => id)).size, 30);
    t.deepEqual(
      before.map(({ id }) => id),
      before.map(({ id }) => id).toSorted((a, b) => b - a),
    );
    await clickhouse.rows('OPTIMIZE TABLE dead_letters FINAL', z.unknown());
    t.deepEqual(await store.deadLetters({ limit: 100 }), before);
  },
);

test.serial('letters outlive a crash, and no number is given twice after it', async (t) => {
  t.timeout(120_000);
  const store = openNew(t, clickhouse);
  for (const id of ['1', '2']) await store.add('on-a', letter(id));
  const [newest] = await store.deadLetters({ limit: 1 });
  t.true(await store.dropDeadLetter(newest?.id ?? 0));
  await clickhouse.kill();
  await t.throwsAsync(store.add('on-a', letter('3')), { code: 'CLV_ANALYTICS_UNAVAILABLE' });
  await t.throwsAsync(store.deadLetters({ limit: 1 }), { code: 'CLV_ANALYTICS_UNAVAILABLE' });
  await clickhouse.restart();
  await store.add('on-a', letter('3'));
  const left = await store.deadLetters({ limit: 10 });
  t.deepEqual(
    left.map(({ event }) => event.id),
    ['3', '1'],
  );
  t.true((left[0]?.id ?? 0) > (newest?.id ?? 0));
});
