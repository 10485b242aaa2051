import test from 'ava';
import { z } from 'zod';
import { createDispatcher, type Dispatcher } from '../../../../functions/host/broker/dispatcher.ts';
import { createQueue, type Queue } from '../../../../functions/host/broker/queue.ts';
import { routesOf } from '../../../../functions/host/broker/routes.ts';
import { entryOf, triggerOf } from '../helpers.ts';
import { limits, posted, retry, routes, status, turn, type Turned } from './turn.ts';

test('an event whose handling ends the process is dead after the attempts it is due', (t) => {
  const queue = createQueue(':memory:', limits);
  let now = 0;
  const attempts: number[] = [];
  const run = (work?: (dispatcher: Dispatcher) => void): void => {
    const dispatcher = createDispatcher({ queue, routes: routes.slice(0, 1), now: () => now });
    dispatcher.start();
    now += 60_000;
    const { out } = turn(queue, dispatcher, () => work?.(dispatcher));
    attempts.push(...out.map(({ attempt }) => attempt));
  };
  run((dispatcher) => dispatcher.publish(posted(['one'])));
  for (let restarts = 0; restarts < 5; restarts += 1) run();
  t.deepEqual(attempts, [1, 2, 3]);
  t.is(queue.depth(), 0);
  const [letter] = queue.dead.list({ limit: 1 });
  t.is(letter?.attempts, retry + 1);
  t.regex(letter?.error ?? '', /"knativeerrorcode":"500"/);
  queue.close();
});

test('of what was out in two crashes in a row one is out at a time, so that only the culprit pays for the next ones', (t) => {
  const queue = createQueue(':memory:', limits);
  const [route] = routesOf([entryOf('f', { triggers: [triggerOf('one', 'a', 4)] })]);
  let now = 0;
  const done: number[] = [];
  const most: number[] = [];
  /** A process that ends as soon as the poison is out. */
  const run = (poison: number): void => {
    const dispatcher = createDispatcher({
      queue,
      routes: route === undefined ? [] : [route],
      now: () => now,
    });
    dispatcher.start();
    now += 60_000;
    let { out } = turn(queue, dispatcher, () => {
      if (queue.depth() === 0 && done.length === 0) {
        for (let event = 0; event < 6; event += 1) dispatcher.publish(posted(['one']));
      }
    });
    let together = 0;
    while (out.length > 0) {
      together = Math.max(together, out.length);
      if (out.some(({ delivery }) => delivery === poison)) break;
      out = out.flatMap(({ delivery }) => {
        done.push(delivery);
        return turn(queue, dispatcher, () => dispatcher.settle({ delivery, outcome: status(200) }))
          .out;
      });
    }
    most.push(together);
  };
  for (let process = 0; process < 6; process += 1) run(3);
  t.deepEqual(most, [6, 6, 1, 1, 1, 0], 'one at a time from the third process on');
  t.deepEqual(done, [1, 2, 4, 5, 6]);
  const letters = queue.dead.list({ limit: 10 });
  t.is(letters.length, 1, 'only the poison is set aside');
  t.is(letters[0]?.attempts, 5);
  queue.close();
});

/** Processes on one queue, each of which ends while what it took is out. */
function crashes(queue: Queue) {
  const clock = { now: 0 };
  const open = (): Dispatcher => {
    clock.now += 60_000;
    const dispatcher = createDispatcher({ queue, routes: patient, now: () => clock.now });
    dispatcher.start();
    // What has failed is due.
    clock.now += 60_000;
    return dispatcher;
  };
  return { clock, open };
}
const patient = routesOf([
  entryOf('f', { triggers: [triggerOf('one', 'a', 9), triggerOf('two', 'a', 9)] }),
]);
const routesIn = ({ out }: Turned): string[] => out.map(({ route }) => route);
const settleAll = (queue: Queue, dispatcher: Dispatcher, { out }: Turned, value = 200): Turned =>
  turn(queue, dispatcher, () => {
    for (const { delivery } of out) dispatcher.settle({ delivery, outcome: status(value) });
  });

test('however many rows of a trigger were out in two crashes, all others flow while these go one at a time', (t) => {
  const queue = createQueue(':memory:', limits);
  const { open } = crashes(queue);
  const first = open();
  turn(queue, first, () => {
    for (let event = 0; event < 16; event += 1) first.publish(posted(['one']));
  });
  t.is(turn(queue, open()).out.length, 16);
  const third = open();
  let one = turn(queue, third);
  t.deepEqual(routesIn(one), ['one']);
  for (let suspects = 1; suspects <= 16; suspects += 1) {
    const others = turn(queue, third, () => third.publish(posted(['one', 'two'])));
    t.deepEqual(routesIn(others), ['one', 'two'], 'new events of its own trigger too');
    t.deepEqual(routesIn(settleAll(queue, third, others)), []);
    one = settleAll(queue, third, one);
    t.deepEqual(routesIn(one), suspects < 16 ? ['one'] : [], 'the next one');
  }
  t.is(queue.depth(), 0);
  queue.close();
});

test('a suspect waits for a free slot of its trigger', (t) => {
  const queue = createQueue(':memory:', limits);
  const { clock, open } = crashes(queue);
  const first = open();
  turn(queue, first, () => first.publish(posted(['one'])));
  turn(queue, open());
  const third = createDispatcher({ queue, routes: patient, now: () => clock.now });
  third.start();
  const others = turn(queue, third, () => {
    for (let event = 0; event < 17; event += 1) third.publish(posted(['one']));
  });
  t.is(others.out.length, 16);
  clock.now += 60_000;
  t.is(turn(queue, third).out.length, 0);
  const [earliest] = others.out;
  const next = settleAll(queue, third, { out: earliest ? [earliest] : [], wake: undefined });
  t.deepEqual(
    next.out.map(({ attempt }) => attempt),
    [3],
    'it is the first to get one',
  );
  queue.close();
});

test('what was out in three crashes in a row goes out alone; until it is due, and once it is back, the others flow', (t) => {
  const queue = createQueue(':memory:', limits);
  const { clock, open } = crashes(queue);
  const first = open();
  turn(queue, first, () => first.publish(posted(['one'])));
  turn(queue, open());
  turn(queue, open());
  clock.now += 60_000;
  const fourth = createDispatcher({ queue, routes: patient, now: () => clock.now });
  fourth.start();
  const others = turn(queue, fourth, () => fourth.publish(posted(['two'])));
  t.deepEqual(routesIn(others), ['two']);
  t.is(others.wake, clock.now + 80);
  clock.now += 80;
  t.is(turn(queue, fourth).out.length, 0, 'it is due, and waits for those that are out');
  const alone = settleAll(queue, fourth, others);
  t.deepEqual(
    alone.out.map(({ route, attempt }) => [route, attempt]),
    [['one', 4]],
  );
  t.is(turn(queue, fourth, () => fourth.publish(posted(['two']))).out.length, 0);
  const rest = settleAll(queue, fourth, alone, 503);
  t.deepEqual(routesIn(rest), ['two']);
  clock.now += 60_000;
  const again = turn(queue, fourth, () => fourth.publish(posted(['two'])));
  t.deepEqual(routesIn(again), ['one', 'two'], 'it has failed, as any other, and holds up nobody');
  const more = turn(queue, fourth, () => fourth.publish(posted(['two'])));
  t.deepEqual(routesIn(more), ['two']);
  queue.close();
});

test('an event that came later and ends the process beside a suspect is found, and the suspect is delivered', (t) => {
  const queue = createQueue(':memory:', limits);
  const { open } = crashes(queue);
  const delivered: number[] = [];
  const poison = new Set([3, 5]);
  const first = open();
  turn(queue, first, () => {
    for (let event = 0; event < 4; event += 1) first.publish(posted(['one']));
  });
  let processes = 1;
  for (let isLate = false; queue.depth() > 0; isLate = true) {
    processes += 1;
    const dispatcher = open();
    let turned = turn(queue, dispatcher, () => {
      if (!isLate) for (let event = 0; event < 4; event += 1) dispatcher.publish(posted(['two']));
    });
    while (turned.out.length > 0 && !turned.out.some(({ delivery }) => poison.has(delivery))) {
      delivered.push(...turned.out.map(({ delivery }) => delivery));
      turned = settleAll(queue, dispatcher, turned);
    }
  }
  t.deepEqual(
    delivered.toSorted((a, b) => a - b),
    [1, 2, 4, 6, 7, 8],
  );
  t.deepEqual(
    queue.dead.list({ limit: 10 }).map(({ trigger, attempts }) => [trigger, attempts]),
    [
      ['two', 10],
      ['one', 10],
    ],
  );
  t.true(processes < 25);
  queue.close();
});

test('a row whose attributes cannot be read becomes a dead letter and stops nobody', (t) => {
  const queue = createQueue(':memory:', limits);
  const before = createDispatcher({ queue, routes, now: () => 1 });
  before.start();
  const bad = { routes: ['one'], header: 'no JSON', data: new Uint8Array(1) };
  turn(queue, before, () => before.publish(bad));
  let now = 1;
  for (let process = 0; process < retry + 1; process += 1) {
    const dispatcher = createDispatcher({ queue, routes, now: () => now });
    dispatcher.start();
    now += 60_000;
    turn(queue, dispatcher);
  }
  t.is(queue.depth(), 0);
  const [letter] = queue.dead.list({ limit: 10 });
  const attributes = z.record(z.string(), z.string());
  const { id } = attributes.parse(JSON.parse(letter?.header ?? ''));
  const { knativeerrordata = '' } = attributes.parse(JSON.parse(letter?.error ?? ''));
  t.is(id, 'unreadable');
  t.regex(Buffer.from(knativeerrordata, 'base64').toString(), /no JSON/);
  queue.close();
});
