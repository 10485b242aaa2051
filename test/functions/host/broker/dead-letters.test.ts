import test, { type ExecutionContext } from 'ava';
import type { Broker } from '../../../../functions/host/broker/broker.ts';
import type { QueueLimits } from '../../../../functions/host/broker/messages.ts';
import type { CloudEvent } from '../../../../functions/lib/cloud-event.ts';
import { eventOf, until } from '../helpers.ts';
import { entryFor, isEmpty, openBroker } from './open-broker.ts';

/** A broker whose functions answer with a status of this moment. */
async function fails(
  t: ExecutionContext,
  limits: Partial<QueueLimits> = {},
): Promise<{
  readonly broker: Broker;
  readonly says: { status: number };
  readonly seen: string[];
}> {
  const broker = await openBroker(t, [entryFor(['a', 'b'])], { limits });
  const says = { status: 400 };
  const seen: string[] = [];
  await broker.start(async ({ event }) => {
    seen.push(event.id);
    return { status: says.status, message: 'why' };
  });
  return { broker, says, seen };
}

const idsOf = async (
  broker: Broker,
  query: Parameters<Broker['deadLetters']>[0],
): Promise<string[]> => (await broker.deadLetters(query)).map(({ event }) => event.id);

async function publish(broker: Broker, type: string, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await broker.publish(eventOf({ type, id, data: Buffer.alloc(200) }));
    await until(() => isEmpty(broker));
  }
}

test('dead letters are listed newest first, page by page and by trigger', async (t) => {
  const { broker } = await fails(t);
  await publish(broker, 'a', '1', '2');
  await publish(broker, 'b', '3');
  await publish(broker, 'a', '4');
  t.deepEqual(await idsOf(broker, { limit: 2 }), ['4', '3']);
  const [, second] = await broker.deadLetters({ limit: 2 });
  t.deepEqual(await idsOf(broker, { limit: 2, before: second?.id ?? 0 }), ['2', '1']);
  t.deepEqual(await idsOf(broker, { limit: 2, trigger: 'on-a' }), ['4', '2']);
  t.deepEqual(await idsOf(broker, { limit: 10, trigger: 'nobody' }), []);
});

test('a replayed dead letter goes to its own trigger as it was, with all attempts', async (t) => {
  const { broker, says, seen } = await fails(t);
  await publish(broker, 'a', '1');
  const [letter] = await broker.deadLetters({ limit: 1 });
  const id = letter?.id ?? 0;
  t.is(letter?.event.extensions['knativeerrorcode'], '400');

  says.status = 503;
  t.true(await broker.replayDeadLetter(id));
  t.false(await broker.replayDeadLetter(id), 'it is no dead letter any more');
  await until(() => isEmpty(broker));
  const [again] = await broker.deadLetters({ limit: 10 });
  t.like(again, { trigger: 'on-a', attempts: 4 });
  t.is(again?.event.extensions['knativeerrorcode'], '503');

  says.status = 200;
  await broker.replayDeadLetter(again?.id ?? 0);
  await until(() => isEmpty(broker));
  t.deepEqual(
    seen,
    Array.from({ length: 6 }, () => '1'),
  );
  t.like(await broker.counters(), { dead: 0, delivered: 1 });
});

test('what a sender says of an error of its own comes again with a replay', async (t) => {
  const broker = await openBroker(t, [entryFor(['a'])]);
  const seen: CloudEvent[] = [];
  await broker.start(async ({ event }) => {
    seen.push(event);
    return { status: seen.length === 1 ? 400 : 200, message: 'why' };
  });
  const extensions = { knativeerrorcode: '418', knativeerrordest: '/theirs', color: 'red' };
  await broker.publish(eventOf({ type: 'a', extensions }));
  await until(() => isEmpty(broker));
  const [letter] = await broker.deadLetters({ limit: 1 });
  t.deepEqual(letter?.event.extensions, {
    knativeerrorcode: '400',
    knativeerrordest: '/functions/f',
    knativeerrordata: Buffer.from('why').toString('base64'),
    color: 'red',
  });
  await broker.replayDeadLetter(letter?.id ?? 0);
  await until(() => isEmpty(broker));
  t.deepEqual(seen[1], seen[0]);
  t.deepEqual(seen[1]?.extensions, extensions);
});

test('a dropped dead letter is gone for good', async (t) => {
  const { broker } = await fails(t);
  await publish(broker, 'a', '1', '2');
  const [newest] = await broker.deadLetters({ limit: 1 });
  t.true(await broker.dropDeadLetter(newest?.id ?? 0));
  t.false(await broker.dropDeadLetter(newest?.id ?? 0));
  t.is(await broker.deadLetter(newest?.id ?? 0), undefined);
  t.deepEqual(await idsOf(broker, { limit: 10 }), ['1']);
});

test('dead letters have a bound in bytes: the oldest make room and are counted, the newest is kept whatever its size', async (t) => {
  const { broker } = await fails(t, { deadLetterBytes: 1_500 });
  await publish(broker, 'a', '1', '2', '3', '4', '5', '6');
  const kept = await idsOf(broker, { limit: 10 });
  t.true(kept.length < 6);
  t.deepEqual(kept, ['6', '5', '4', '3', '2', '1'].slice(0, kept.length));
  t.is((await broker.counters()).drops.evicted, 6 - kept.length);
  await broker.publish(eventOf({ type: 'a', id: 'large', data: Buffer.alloc(5_000) }));
  await until(() => isEmpty(broker));
  t.deepEqual(await idsOf(broker, { limit: 10 }), ['large']);
});

test('a dead letter that finds no room in the queue stays one', async (t) => {
  const { broker, says } = await fails(t, { deliveries: 2 });
  await publish(broker, 'a', '1');
  const [letter] = await broker.deadLetters({ limit: 1 });
  await broker.drain();
  says.status = 200;
  await broker.publish(eventOf({ type: 'a', id: 'waits' }));
  await t.throwsAsync(broker.replayDeadLetter(letter?.id ?? 0), { code: 'CLV_OVERLOADED' });
  t.deepEqual(await idsOf(broker, { limit: 10 }), ['1']);
});
