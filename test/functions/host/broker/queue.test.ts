import test from 'ava';
import { createQueue, type Queue } from '../../../../functions/host/broker/queue.ts';
import type { Posted } from '../../../../functions/host/broker/messages.ts';

const limits = {
  deliveries: 10,
  bytes: 1_000,
  deadLetters: 10,
  deadLetterBytes: 1_000,
  fileBytes: 1e9,
};
const posted = (routes: readonly string[], size = 1): Posted => ({
  routes,
  header: '{}',
  data: new Uint8Array(size),
});
const add = (queue: Queue, routes: readonly string[], now: number, size?: number): boolean => {
  let taken = false;
  queue.transaction(() => {
    taken = queue.add(posted(routes, size), now);
  });
  return taken;
};
/** Removes the first row of a route. */
const remove = (queue: Queue, route: string): void =>
  queue.transaction(() => {
    for (const row of queue.due(route, 1_000, 1)) queue.remove(row);
  });

test('what comes and what leaves is counted by route, and nothing of a transaction that fails', (t) => {
  const queue = createQueue(':memory:', limits);
  add(queue, ['a', 'b'], 1);
  add(queue, ['a'], 2);
  remove(queue, 'a');
  t.deepEqual(queue.flow('a'), { enqueued: 2, settled: 1 });
  t.deepEqual(queue.flow('b'), { enqueued: 1, settled: 0 });
  t.deepEqual(queue.flow('c'), { enqueued: 0, settled: 0 });
  t.throws(() =>
    queue.transaction(() => {
      queue.add(posted(['a']), 3);
      queue.add(posted(['a'], 2_000), 3);
      throw new Error('the disk is full');
    }),
  );
  t.deepEqual(queue.flow('a'), { enqueued: 2, settled: 1 });
  t.deepEqual(queue.refusals(), { full: 0, share: 0, disk: 0 });
  queue.close();
});

test('a refused event is counted by what was full: the queue, or the share of a trigger', (t) => {
  const queue = createQueue(':memory:', limits);
  while (add(queue, ['a'], 1));
  t.deepEqual(queue.refusals(), { full: 0, share: 1, disk: 0 });
  t.true(add(queue, ['b'], 1), 'the others have room');
  t.false(add(queue, ['c'], 1, limits.bytes + 1));
  t.deepEqual(queue.refusals(), { full: 1, share: 1, disk: 0 });
  queue.close();
});

test('the oldest row is the one that was taken first, however often it was tried', (t) => {
  const queue = createQueue(':memory:', limits);
  t.is(queue.oldest(), undefined);
  add(queue, ['a'], 5);
  add(queue, ['b'], 7);
  queue.transaction(() => {
    for (const { id } of queue.due('a', 10, 1)) queue.postpone(id, 10, 890);
  });
  t.is(queue.oldest(), 5);
  remove(queue, 'a');
  t.is(queue.oldest(), 7);
  queue.close();
});

test('an event that nobody takes leaves nothing behind', (t) => {
  const queue = createQueue(':memory:', limits);
  for (let event = 0; event < 5; event += 1) t.true(add(queue, [], 1, 300));
  t.true(add(queue, ['a'], 1, 400), 'they take no room');
  queue.close();
});

test('an event takes the room of its attributes too', (t) => {
  const queue = createQueue(':memory:', limits);
  const large = {
    routes: ['a'],
    header: JSON.stringify({ x: 'ü'.repeat(200) }),
    data: new Uint8Array(50),
  };
  queue.transaction(() => {
    t.true(queue.add(large, 1));
    t.false(queue.add({ ...large, routes: ['b'], data: new Uint8Array(600) }, 1));
    t.true(queue.add({ ...large, routes: ['b'] }, 1));
  });
  remove(queue, 'a');
  queue.transaction(() => {
    t.true(queue.add({ ...large, routes: ['a'] }, 1), 'what left gave its room back');
  });
  queue.close();
});
