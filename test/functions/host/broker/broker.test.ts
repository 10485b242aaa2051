import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  createBroker,
  type Broker,
  type DeliveryRequest,
} from '../../../../functions/host/broker/broker.ts';
import type { Outcome, QueueLimits } from '../../../../functions/host/broker/messages.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';
import type { FunctionEntry } from '../../../../knative/catalogue.ts';
import { entryOf, eventOf, silent, temporaryFolder, triggerOf, until } from '../helpers.ts';

const entries = [
  entryOf('f', {
    triggers: [triggerOf('on-a', 'a'), triggerOf('on-a-too', 'a'), triggerOf('on-b', 'b')],
    schedules: [{ name: 'often', schedule: '* * * * * *' }],
  }),
];
const ok: Outcome = { status: 200, message: '' };

const open = async (
  t: ExecutionContext,
  path: string,
  limits?: Partial<QueueLimits>,
  served: readonly FunctionEntry[] = entries,
): Promise<Broker> => {
  const broker = await createBroker({
    path,
    entries: served,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
    ...(limits === undefined ? {} : { limits }),
  });
  t.teardown(() => broker.close());
  return broker;
};

const fresh = async (t: ExecutionContext, limits?: Partial<QueueLimits>): Promise<Broker> =>
  open(t, join(await temporaryFolder(t), 'broker.db'), limits);

const empty = async (broker: Broker): Promise<boolean> => (await broker.counters()).depth === 0;

test('an event reaches every trigger that it matches, once, and no other', async (t) => {
  const broker = await fresh(t);
  const seen: DeliveryRequest[] = [];
  await broker.start(async (delivery) => {
    seen.push(delivery);
    return ok;
  });
  const event = eventOf({ type: 'a', extensions: { kind: 'K' }, data: Buffer.from([0, 255]) });
  await broker.publish(event);
  await broker.publish(eventOf({ type: 'nobody' }));
  await until(() => empty(broker));
  t.deepEqual(seen.map(({ route }) => route).sort(), ['on-a', 'on-a-too']);
  t.deepEqual(seen[0]?.event, event);
  t.like(await broker.counters(), { depth: 0, delivered: 2, retried: 0, dead: 0, dropped: 0 });
});

test('what fails for now is tried again, and then is a dead letter with its error', async (t) => {
  const broker = await fresh(t);
  const attempts: number[] = [];
  await broker.start(async ({ attempt }) => {
    attempts.push(attempt);
    return { status: 503, message: 'not now' };
  });
  await broker.publish(eventOf({ type: 'b', data: Buffer.from('x') }));
  await until(() => empty(broker));
  t.deepEqual(attempts, [1, 2, 3, 4]);
  const [letter] = await broker.deadLetters({ limit: 10 });
  t.like(letter, { trigger: 'on-b', attempts: 4 });
  t.deepEqual(letter?.event.extensions, {
    knativeerrordest: '/functions/f',
    knativeerrorcode: '503',
    knativeerrordata: Buffer.from('not now').toString('base64'),
  });
  t.is(letter?.event.data.toString(), 'x');
  t.like(await broker.counters(), { retried: 3, dead: 1, delivered: 0 });
});

test('poison is a dead letter at once', async (t) => {
  const broker = await fresh(t);
  let calls = 0;
  await broker.start(async () => {
    calls += 1;
    return { status: 422, message: 'bad' };
  });
  await broker.publish(eventOf({ type: 'b' }));
  await until(() => empty(broker));
  t.is(calls, 1);
  t.is((await broker.deadLetters({ limit: 10 })).length, 1);
});

test('a longer Retry-After is respected', async (t) => {
  const broker = await fresh(t);
  const at: number[] = [];
  await broker.start(async () => {
    at.push(performance.now());
    return at.length === 1 ? { status: 429, message: '', retryAfterMs: 300 } : ok;
  });
  await broker.publish(eventOf({ type: 'b' }));
  await until(() => empty(broker));
  t.true((at[1] ?? 0) - (at[0] ?? 0) >= 290);
});

test('a trigger with a long queue does not hold up another one, nor exceed its concurrency', async (t) => {
  const broker = await fresh(t);
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  await Promise.all(Array.from({ length: 50 }, () => broker.publish(eventOf({ type: 'b' }))));
  await broker.publish(eventOf({ type: 'a' }));
  await broker.start(async ({ route }) => {
    seen.push(route);
    if (route !== 'on-b') return ok;
    running += 1;
    most = Math.max(most, running);
    await gate.promise;
    running -= 1;
    return ok;
  });
  await until(() => seen.includes('on-a') && seen.includes('on-a-too') && most === 16);
  gate.resolve();
  await until(() => empty(broker));
  t.is(most, 16);
  t.is(seen.length, 52);
});

test('a full queue refuses, and takes events again once it has room', async (t) => {
  const broker = await fresh(t, { deliveries: 3, bytes: 1_200, deadLetters: 2 });
  await broker.publish(eventOf({ type: 'a' }));
  const full = await t.throwsAsync(broker.publish(eventOf({ type: 'a' })), {
    instanceOf: CloverError,
  });
  t.is(full?.code, 'CLV_OVERLOADED');
  t.is(typeof full?.retryAfter, 'number');
  await t.throwsAsync(broker.publish(eventOf({ type: 'b', data: Buffer.alloc(1_100) })));
  await broker.start(async () => ({ status: 400, message: '' }));
  await until(() => empty(broker));
  await broker.publish(eventOf({ type: 'a', data: Buffer.alloc(1_050) }));
  await until(() => empty(broker));
  const letters = await broker.deadLetters({ limit: 10 });
  t.is(letters.length, 2, 'the oldest dead letters made room');
  t.like(await broker.counters(), { dead: 2, dropped: 2 });
});

test('a restart keeps events, attempts, marks and dead letters, and redelivers what was in flight', async (t) => {
  const path = join(await temporaryFolder(t), 'broker.db');
  const first = await open(t, path);
  const reached = Promise.withResolvers<void>();
  await first.start(async () => {
    reached.resolve();
    return new Promise<Outcome>(() => undefined);
  });
  await first.publish(eventOf({ type: 'b', id: 'kept' }), [
    { key: 'k', value: '7' },
    { key: 'gone', value: '1' },
  ]);
  await first.publish(eventOf({ type: 'nobody' }), [{ key: 'gone', value: undefined }]);
  await reached.promise;
  await first.close();

  const second = await open(t, path);
  t.is(await second.mark('k'), '7');
  t.is(await second.mark('other'), undefined);
  t.is(await second.mark('gone'), undefined);
  t.deepEqual(await second.marks('k'), [{ key: 'k', value: '7' }]);
  t.deepEqual(await second.marks('K'), []);
  const ids: string[] = [];
  await second.start(async ({ event }) => {
    ids.push(event.id);
    return ok;
  });
  await until(() => empty(second));
  t.deepEqual(ids, ['kept']);
});

test('a second broker on the same file is refused', async (t) => {
  const path = join(await temporaryFolder(t), 'broker.db');
  await open(t, path);
  await t.throwsAsync(open(t, path), { message: /locked/ });
});

test('rows of a trigger that the catalogue lost become dead letters', async (t) => {
  const path = join(await temporaryFolder(t), 'broker.db');
  const first = await open(t, path);
  await first.publish(eventOf({ type: 'b' }));
  await first.close();
  const second = await open(t, path, undefined, [entryOf('f')]);
  t.is((await second.deadLetters({ limit: 10 }))[0]?.trigger, 'on-b');
  t.true(await empty(second));
});

test('a schedule has one waiting tick at most, and one per period over restarts', async (t) => {
  const path = join(await temporaryFolder(t), 'broker.db');
  const first = await open(t, path);
  t.true(await first.tick('often', 1_000, eventOf({ id: 'often-1000' })));
  t.false(await first.tick('often', 2_000, eventOf({ id: 'often-2000' })), 'one waits');
  const ids: string[] = [];
  await first.start(async ({ event }) => {
    ids.push(event.id);
    return ok;
  });
  await until(() => empty(first));
  await first.close();

  const second = await open(t, path);
  t.false(
    await second.tick('often', 1_000, eventOf({ id: 'often-1000' })),
    'that period had its tick',
  );
  t.true(await second.tick('often', 3_000, eventOf({ id: 'often-3000' })));
  t.deepEqual(ids, ['often-1000']);
});

test('a tick that fails for good is dropped and counted, not kept', async (t) => {
  const broker = await fresh(t);
  await broker.start(async () => ({ status: 400, message: 'no' }));
  await broker.tick('often', 1_000, eventOf());
  await until(() => empty(broker));
  t.like(await broker.counters(), { dead: 0, dropped: 1 });
});

test('draining waits for what is in flight and starts nothing new', async (t) => {
  const broker = await fresh(t);
  const gate = Promise.withResolvers<Outcome>();
  let calls = 0;
  await broker.start(async () => {
    calls += 1;
    return gate.promise;
  });
  await broker.publish(eventOf({ type: 'b' }));
  await until(() => calls === 1);
  let drained = false;
  const drain = async (): Promise<void> => {
    await broker.drain();
    drained = true;
  };
  const draining = drain();
  await broker.publish(eventOf({ type: 'b' }));
  t.false(drained);
  gate.resolve(ok);
  await draining;
  t.is(calls, 1);
  t.is((await broker.counters()).depth, 1, 'still taken, for the next start');
});

test('an event with a bad attribute is refused and spoils no other', async (t) => {
  const broker = await fresh(t);
  const bad = eventOf({ type: 'a', extensions: { 'not-a-name': 'x' } });
  const [good, refused] = await Promise.allSettled([
    broker.publish(eventOf({ type: 'a' })),
    broker.publish(bad),
  ]);
  t.is(good.status, 'fulfilled');
  t.is(refused.status, 'rejected');
});
