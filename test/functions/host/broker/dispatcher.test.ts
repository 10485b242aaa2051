import test from 'ava';
import fc from 'fast-check';
import { decide } from '../../../../functions/host/broker/back-off.ts';
import { createDispatcher } from '../../../../functions/host/broker/dispatcher.ts';
import type { DeliverMessage } from '../../../../functions/host/broker/messages.ts';
import { createQueue } from '../../../../functions/host/broker/queue.ts';
import { routesOf } from '../../../../functions/host/broker/routes.ts';
import { entryOf, eventOf, triggerOf } from '../helpers.ts';

const retry = 2;
const routes = routesOf([
  entryOf('f', { triggers: [triggerOf('one', 'a', retry), triggerOf('two', 'a', retry)] }),
]);
const limits = { deliveries: 1_000, bytes: 1_000_000, deadLetters: 1_000 };

test('whatever the answers are, every row ends delivered or dead after the attempts it is due', (t) => {
  const statuses = fc.array(fc.constantFrom(200, 204, 400, 404, 422, 429, 500, 503), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), statuses, (events, answers) => {
      const queue = createQueue(':memory:', limits);
      const out: DeliverMessage[] = [];
      let now = 1_000;
      const dispatcher = createDispatcher({
        queue,
        routes,
        now: () => now,
        deliver: (message) => out.push(message),
      });
      dispatcher.start();
      queue.transaction(() => {
        for (let id = 0; id < events; id += 1) {
          dispatcher.publish(eventOf({ id: String(id), type: 'a' }));
        }
      });
      t.is(dispatcher.counters().depth, events * 2);

      let made = 0;
      let delivered = 0;
      let dead = 0;
      for (;;) {
        const wake = dispatcher.pump();
        t.true(dispatcher.inFlight() <= routes.length * 4);
        const message = out.shift();
        if (message === undefined) {
          if (wake === undefined) break;
          t.true(wake > now);
          now = wake;
          continue;
        }
        const status = answers[made % answers.length] ?? 200;
        made += 1;
        const decision = decide(status);
        if (decision === 'done') delivered += 1;
        else if (decision === 'dead' || message.attempt === retry + 1) dead += 1;
        queue.transaction(() => dispatcher.settle(message.delivery, { status, message: '' }));
        dispatcher.release(message.delivery);
      }
      t.is(delivered + dead, events * 2);
      t.like(dispatcher.counters(), { depth: 0, delivered, dead, dropped: 0 });
      t.is(queue.deadLetters(1_000).length, dead);
      queue.close();
    }),
    { numRuns: 40 },
  );
});

test('a transaction that fails changes nothing, and its rows stay in flight', (t) => {
  const queue = createQueue(':memory:', limits);
  const out: DeliverMessage[] = [];
  const dispatcher = createDispatcher({
    queue,
    routes,
    now: () => 1,
    deliver: (message) => out.push(message),
  });
  dispatcher.start();
  queue.transaction(() => dispatcher.publish(eventOf({ type: 'a' })));
  dispatcher.pump();
  const [first] = out;
  t.throws(() =>
    queue.transaction(() => {
      dispatcher.settle(first?.delivery ?? 0, { status: 200, message: '' });
      throw new Error('disk full');
    }),
  );
  dispatcher.pump();
  t.is(out.length, 2, 'nothing goes out twice');
  t.is(dispatcher.counters().depth, 2);
  queue.transaction(() => dispatcher.settle(first?.delivery ?? 0, { status: 200, message: '' }));
  t.is(dispatcher.counters().depth, 1);
  queue.close();
});

test('an event whose handling ends the process is dead after the attempts it is due', (t) => {
  const queue = createQueue(':memory:', limits);
  let now = 0;
  const attempts: number[] = [];
  const process = (): ReturnType<typeof createDispatcher> => {
    const dispatcher = createDispatcher({
      queue,
      routes: routes.slice(0, 1),
      now: () => now,
      deliver: ({ attempt }) => attempts.push(attempt),
    });
    dispatcher.start();
    return dispatcher;
  };
  const first = process();
  queue.transaction(() => {
    first.publish(eventOf({ type: 'a' }));
  });
  first.pump();
  for (let restarts = 0; restarts < 5; restarts += 1) {
    const dispatcher = process();
    now += 60_000;
    dispatcher.pump();
  }
  t.deepEqual(attempts, [1, 2, 3]);
  t.deepEqual(queue.depth(), { deliveries: 0, dead: 1 });
  const [letter] = queue.deadLetters(1);
  t.is(letter?.attempts, retry + 1);
  t.is(letter?.event.extensions['knativeerrorcode'], '500');
  queue.close();
});

test('rows that were postponed before the clock was set back go out after a restart', (t) => {
  const queue = createQueue(':memory:', limits);
  const out: DeliverMessage[] = [];
  const deliver = (message: DeliverMessage): number => out.push(message);
  const before = createDispatcher({ queue, routes, now: () => 4_000_000, deliver });
  before.start();
  queue.transaction(() => {
    before.publish(eventOf({ type: 'a' }));
  });
  before.pump();
  const [first] = out.splice(0);
  queue.transaction(() => before.settle(first?.delivery ?? 0, { status: 503, message: '' }));

  out.splice(0);
  let now = 400_000;
  const after = createDispatcher({ queue, routes, now: () => now, deliver });
  after.start();
  now += 1_000;
  after.pump();
  t.deepEqual(
    out.map(({ attempt }) => attempt),
    [2, 2],
  );
  queue.close();
});
