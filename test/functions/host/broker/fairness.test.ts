import test from 'ava';
import { eventOf, until } from '../helpers.ts';
import { entryFor, isEmpty, openBroker } from './open-broker.ts';
import { answer, startSubscriber } from './subscriber.ts';

test('a trigger whose subscriber hangs takes its own slots and its share of the queue, and nothing of a fast one', async (t) => {
  const broker = await openBroker(t, [entryFor(['slow', 'fast'])], { limits: { deliveries: 100 } });
  const held: (() => void)[] = [];
  const slow = await startSubscriber(t, (response) => {
    held.push(() => response.writeHead(204).end());
  });
  const fast = await startSubscriber(t, answer(204));
  await broker.start((delivery) =>
    (delivery.event.type === 'slow' ? slow : fast).deliver(delivery),
  );
  const publish = async (type: string, count: number): Promise<void> => {
    await Promise.all(Array.from({ length: count }, () => broker.publish(eventOf({ type }))));
  };
  await publish('slow', 50);
  await t.throwsAsync(broker.publish(eventOf({ type: 'slow' })), { code: 'CLV_OVERLOADED' });
  for (let round = 1; round <= 5; round += 1) {
    await t.notThrowsAsync(publish('fast', 20));
    await until(async () => (await broker.counters()).delivered === 20 * round);
  }
  await until(() => held.length === 16);
  t.is(slow.seen.length, 16);
  t.like(await broker.counters(), { depths: { 'on-slow': 50 }, delivered: 100 });
  t.is(fast.seen.length, 100);
  t.deepEqual((await broker.counters()).refusals, { full: 0, share: 1, disk: 0 });

  await until(async () => {
    for (const release of held.splice(0)) release();
    return isEmpty(broker);
  });
  t.is(slow.seen.length, 50);
});

test('an event that failed comes again after newer ones: there is no order', async (t) => {
  const broker = await openBroker(t, [entryFor(['a'])]);
  const seen: string[] = [];
  await broker.start(async ({ event, attempt }) => {
    seen.push(event.id);
    return { status: event.id === '1' && attempt === 1 ? 503 : 200, message: '' };
  });
  await broker.publish(eventOf({ type: 'a', id: '1' }));
  await until(() => seen.length === 1);
  await broker.publish(eventOf({ type: 'a', id: '2' }));
  await until(() => isEmpty(broker));
  t.deepEqual(seen.toSorted(), ['1', '1', '2']);
  t.is(seen[0], '1');
});
