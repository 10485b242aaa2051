import test, { type ExecutionContext } from 'ava';
import type { Broker } from '../../../../functions/host/broker/broker.ts';
import type { Delivery } from '../../../../knative/catalogue.ts';
import { eventOf, until } from '../helpers.ts';
import { entryFor, isEmpty, openBroker } from './open-broker.ts';
import { answer, deliverTo, startSubscriber, type Respond, type Subscriber } from './subscriber.ts';

/** What was measured on a Knative broker, with real HTTP subscribers on ours: see docs/broker.md. */
const linear: Partial<Delivery> = {
  retry: 3,
  backoffPolicy: 'linear',
  backoffDelay: 'PT0.1S',
  timeout: 'PT10M',
};

interface Run {
  readonly broker: Broker;
  readonly subscriber: Subscriber;
}

/** One event of type `a` for a subscriber, until nothing is left to do. */
async function run(
  t: ExecutionContext,
  delivery: Partial<Delivery>,
  ...answers: readonly Respond[]
): Promise<Run> {
  const broker = await openBroker(t, [entryFor(['a'], delivery)]);
  const subscriber = await startSubscriber(t, ...answers);
  await broker.start(subscriber.deliver);
  await broker.publish(eventOf({ type: 'a' }));
  await until(() => isEmpty(broker));
  return { broker, subscriber };
}

/** Whether each delivery began no sooner than so many ms after the end of the one before; a clock may round by two. */
function isPaced({ attempts }: Subscriber, waits: readonly number[]): boolean {
  const gaps = attempts.slice(1).map(({ began }, index) => began - (attempts[index]?.ended ?? 0));
  return gaps.length === waits.length && gaps.every((gap, index) => gap >= (waits[index] ?? 0) - 2);
}

/** Delivers until the dead letter; resolves with the code that it has. */
async function errorCode({ broker }: Run): Promise<string | undefined> {
  const [letter] = await broker.deadLetters({ limit: 1 });
  return letter?.event.extensions['knativeerrorcode'];
}

test('a 2xx is the end of an event', async (t) => {
  for (const status of [200, 202, 204]) {
    const { broker, subscriber } = await run(t, linear, answer(status));
    t.is(subscriber.seen.length, 1);
    t.like(await broker.counters(), { delivered: 1, dead: 0 });
  }
});

test('400, and every 4xx that never gets better, is a dead letter at once', async (t) => {
  for (const status of [400, 401, 413, 422]) {
    const ran = await run(t, linear, answer(status));
    t.is(ran.subscriber.seen.length, 1);
    t.is(await errorCode(ran), String(status));
  }
});

test('404 408 409 429 500 501 503 504 are tried again by linear back-off, the first time at once', async (t) => {
  const statuses = [404, 408, 409, 429, 500, 501, 503, 504];
  const types = statuses.map((status) => `s${status}`);
  const broker = await openBroker(t, [entryFor(types, linear)]);
  const subscribers = new Map<string, Subscriber>();
  for (const status of statuses) {
    subscribers.set(`s${status}`, await startSubscriber(t, answer(status)));
  }
  await broker.start(async (delivery) => {
    const subscriber = subscribers.get(delivery.event.type);
    return subscriber?.deliver(delivery) ?? { status: 599, message: '' };
  });
  for (const type of types) await broker.publish(eventOf({ type }));
  await until(() => isEmpty(broker));
  for (const subscriber of subscribers.values()) t.true(isPaced(subscriber, [0, 100, 200]));
  const letters = await broker.deadLetters({ limit: 100 });
  t.deepEqual(
    Object.fromEntries(
      letters.map(({ trigger, event }) => [trigger, event.extensions['knativeerrorcode']]),
    ),
    Object.fromEntries(statuses.map((status) => [`on-s${status}`, String(status)])),
  );
});

test('exponential back-off doubles from the first retry on', async (t) => {
  const ran = await run(
    t,
    { retry: 4, backoffPolicy: 'exponential', backoffDelay: 'PT0.04S' },
    answer(500),
  );
  t.true(isPaced(ran.subscriber, [40, 80, 160, 320]));
  t.is(await errorCode(ran), '500');
});

test('503 twice and then 202 is done', async (t) => {
  const { broker, subscriber } = await run(t, linear, answer(503), answer(503), answer(202));
  t.true(isPaced(subscriber, [0, 100]));
  t.like(await broker.counters(), { delivered: 1, retried: 2, dead: 0 });
});

test('a Retry-After of 429 and 503 lengthens the wait', async (t) => {
  for (const status of [429, 503]) {
    const { subscriber } = await run(
      t,
      { ...linear, retryAfterMax: 'PT10S' },
      answer(status, { 'retry-after': '1' }),
      answer(202),
    );
    t.true(isPaced(subscriber, [1_000]));
  }
});

test('retryAfterMax is the most that a Retry-After may ask for', async (t) => {
  const { broker, subscriber } = await run(
    t,
    { ...linear, retryAfterMax: 'PT0.3S' },
    answer(429, { 'retry-after': '86400' }),
    answer(202),
  );
  t.true(isPaced(subscriber, [300]));
  t.like(await broker.counters(), { delivered: 1 });
});

test('with a retryAfterMax of PT0S a Retry-After is ignored', async (t) => {
  const { broker } = await run(
    t,
    { ...linear, retryAfterMax: 'PT0S' },
    answer(503, { 'retry-after': '86400' }),
    answer(202),
  );
  t.like(await broker.counters(), { delivered: 1, retried: 1 });
});

test('a Retry-After of another status is ignored', async (t) => {
  const { broker } = await run(t, linear, answer(500, { 'retry-after': '86400' }), answer(202));
  t.like(await broker.counters(), { delivered: 1, retried: 1 });
});

test('an answer that comes after the timeout is a failed attempt, and the dead letter follows the last one', async (t) => {
  const ran = await run(t, { ...linear, retry: 2, timeout: 'PT0.15S' }, () => undefined);
  t.true(isPaced(ran.subscriber, [0, 100]));
  t.is(await errorCode(ran), '504');
});

test('a refused connection is a dead letter with code 500', async (t) => {
  const broker = await openBroker(t, [entryFor(['a'], { ...linear, retry: 1 })]);
  await broker.start(deliverTo('http://127.0.0.1:1/'));
  await broker.publish(eventOf({ type: 'a' }));
  await until(() => isEmpty(broker));
  const [letter] = await broker.deadLetters({ limit: 1 });
  t.is(letter?.event.extensions['knativeerrorcode'], '500');
});

test('a reply is an event of its own, for the triggers that it matches', async (t) => {
  const broker = await openBroker(t, [entryFor(['a', 'b'])]);
  const subscriber = await startSubscriber(
    t,
    answer(200, { 'ce-id': 'r', 'ce-source': '/s', 'ce-type': 'b', 'ce-specversion': '1.0' }, '{}'),
    answer(204),
  );
  await broker.start(subscriber.deliver);
  await broker.publish(eventOf({ type: 'a' }));
  await until(() => isEmpty(broker));
  t.deepEqual(
    subscriber.seen.map(({ headers }) => [headers['ce-type'], headers['ce-id']]),
    [
      ['a', '1'],
      ['b', 'r'],
    ],
  );
  t.like(await broker.counters(), { delivered: 2, replied: 1 });
});

test('a reply that is no event is 502, and so a failed attempt', async (t) => {
  const ran = await run(t, { ...linear, retry: 1 }, answer(200, { 'ce-type': 'b' }));
  t.is(ran.subscriber.seen.length, 2);
  t.is(await errorCode(ran), '502');
  t.like(await ran.broker.counters(), { replied: 0, delivered: 0 });
});

test('an event has as many hops as its TTL says, and subscribers do not see it', async (t) => {
  const broker = await openBroker(t, [entryFor(['loop'])]);
  const reply = { 'ce-id': 'r', 'ce-source': '/s', 'ce-type': 'loop', 'ce-specversion': '1.0' };
  const subscriber = await startSubscriber(t, answer(200, reply));
  await broker.start(subscriber.deliver);
  await broker.publish(eventOf({ type: 'loop', extensions: { knativebrokerttl: '4' } }));
  await until(() => isEmpty(broker));
  t.is(subscriber.seen.length, 3);
  t.is(subscriber.seen[0]?.headers['ce-knativebrokerttl'], undefined);
  t.like(await broker.counters(), { delivered: 3, replied: 3 });
  t.is((await broker.counters()).drops.ttl, 1);
  await broker.publish(eventOf({ type: 'loop', extensions: { knativebrokerttl: '1' } }));
  t.is((await broker.counters()).drops.ttl, 2, 'one without hops left is taken and counted');
});

test('a loop of replies without a TTL of its own ends after 255 hops', async (t) => {
  const broker = await openBroker(t, [entryFor(['loop'])]);
  let hops = 0;
  await broker.start(async ({ event }) => {
    hops += 1;
    return { status: 200, message: '', reply: event };
  });
  await broker.publish(eventOf({ type: 'loop' }));
  await until(async () => (await broker.counters()).drops.ttl === 1);
  t.is(hops, 255);
});
