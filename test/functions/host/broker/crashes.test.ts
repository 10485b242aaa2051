import test from 'ava';
import { z } from 'zod';
import { createDispatcher, type Dispatcher } from '../../../../functions/host/broker/dispatcher.ts';
import { createQueue } from '../../../../functions/host/broker/queue.ts';
import { routesOf } from '../../../../functions/host/broker/routes.ts';
import { entryOf, triggerOf } from '../helpers.ts';
import { limits, posted, retry, routes, status, turn } from './turn.ts';

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

test('what was out in two crashes in a row goes out alone, so that only the culprit pays for the next ones', (t) => {
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
  t.deepEqual(most, [6, 6, 1, 1, 1, 0], 'alone from the third process on');
  t.deepEqual(done, [1, 2, 4, 5, 6]);
  const letters = queue.dead.list({ limit: 10 });
  t.is(letters.length, 1, 'only the poison is set aside');
  t.is(letters[0]?.attempts, 5);
  queue.close();
});

test('while a row waits to go out alone the others flow', (t) => {
  const queue = createQueue(':memory:', limits);
  let now = 0;
  const open = (): Dispatcher => {
    const dispatcher = createDispatcher({ queue, routes, now: () => now });
    dispatcher.start();
    return dispatcher;
  };
  const first = open();
  turn(queue, first, () => first.publish(posted(['one'])));
  now += 60_000;
  const second = open();
  now += 60_000;
  t.is(turn(queue, second).out.length, 1);
  const third = open();
  const { out, wake } = turn(queue, third, () => third.publish(posted(['two'])));
  t.deepEqual(
    out.map(({ route }) => route),
    ['two'],
  );
  t.is(wake, now + 40);
  now += 40;
  t.is(turn(queue, third).out.length, 0, 'until it is due: then it waits for those that are out');
  const { out: alone } = turn(queue, third, () =>
    third.settle({ delivery: out[0]?.delivery ?? 0, outcome: status(200) }),
  );
  t.deepEqual(
    alone.map(({ route, attempt }) => [route, attempt]),
    [['one', 3]],
  );
  t.is(turn(queue, third, () => third.publish(posted(['two']))).out.length, 0);
  const rest = turn(queue, third, () =>
    third.settle({ delivery: alone[0]?.delivery ?? 0, outcome: status(200) }),
  );
  t.is(rest.out[0]?.route, 'two');
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
