import test from 'ava';
import fc from 'fast-check';
import { decide } from '../../../../functions/host/broker/back-off.ts';
import { createDispatcher, type Dispatcher } from '../../../../functions/host/broker/dispatcher.ts';
import type { DeliverMessage } from '../../../../functions/host/broker/messages.ts';
import { createQueue } from '../../../../functions/host/broker/queue.ts';
import { limits, posted, retry, routes, status, turn, type Turned } from './turn.ts';

test('whatever the answers are, every row ends delivered or dead after the attempts it is due', (t) => {
  const statuses = fc.array(fc.constantFrom(200, 204, 400, 404, 422, 429, 500, 503), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), statuses, (events, answers) => {
      const queue = createQueue(':memory:', limits);
      let now = 1_000;
      const dispatcher = createDispatcher({ queue, routes, now: () => now });
      dispatcher.start();
      const first = turn(queue, dispatcher, () => {
        for (let event = 0; event < events; event += 1) dispatcher.publish(posted());
      });
      const out = [...first.out];
      t.is(dispatcher.counters().depth, events * 2);

      let { wake } = first;
      let made = 0;
      let delivered = 0;
      let dead = 0;
      for (;;) {
        t.true(dispatcher.inFlight() <= routes.length * 16);
        const message = out.shift();
        if (message === undefined && wake === undefined) break;
        if (message === undefined) {
          t.true((wake ?? 0) > now);
          now = wake ?? now;
        }
        const next = turn(queue, dispatcher, () => {
          if (message === undefined) return;
          const answer = answers[made % answers.length] ?? 200;
          made += 1;
          const decision = decide(answer);
          if (decision === 'done') delivered += 1;
          else if (decision === 'dead' || message.attempt === retry + 1) dead += 1;
          dispatcher.settle({ delivery: message.delivery, outcome: status(answer) });
        });
        out.push(...next.out);
        wake = next.wake;
      }
      t.is(delivered + dead, events * 2);
      t.like(dispatcher.counters(), { depth: 0, delivered, dead, dropped: 0 });
      t.is(queue.dead.list({ limit: 1_000 }).length, dead);
      queue.close();
    }),
    { numRuns: 40 },
  );
});

test('a transaction that fails changes nothing, and its rows stay in flight', (t) => {
  const queue = createQueue(':memory:', limits);
  const dispatcher = createDispatcher({ queue, routes, now: () => 1 });
  dispatcher.start();
  const { out } = turn(queue, dispatcher, () => dispatcher.publish(posted()));
  const delivery = out[0]?.delivery ?? 0;
  const before = dispatcher.counters();
  t.throws(() =>
    turn(queue, dispatcher, () => {
      dispatcher.publish(posted());
      dispatcher.settle({ delivery, outcome: status(200) });
      dispatcher.pump();
      throw new Error('disk full');
    }),
  );
  t.deepEqual(dispatcher.counters(), before);
  t.is(out.length, 2);
  t.is(turn(queue, dispatcher).out.length, 0, 'nothing goes out twice');
  turn(queue, dispatcher, () => dispatcher.settle({ delivery, outcome: status(200) }));
  t.like(dispatcher.counters(), { depth: 1, delivered: 1 });
  queue.close();
});

test('rows that were postponed before the clock was set back go out after a restart', (t) => {
  const queue = createQueue(':memory:', limits);
  const before = createDispatcher({ queue, routes, now: () => 4_000_000 });
  before.start();
  const { out } = turn(queue, before, () => before.publish(posted()));
  const delivery = out[0]?.delivery ?? 0;
  turn(queue, before, () => before.settle({ delivery, outcome: status(503) }));

  let now = 400_000;
  const after = createDispatcher({ queue, routes, now: () => now });
  after.start();
  now += 1_000;
  const attempts = turn(queue, after).out.map(({ attempt }) => attempt);
  t.deepEqual(attempts, [2, 2]);
  queue.close();
});

test('a restart in the middle of a wait changes nothing of it, nor of the attempts that are left', (t) => {
  const queue = createQueue(':memory:', limits);
  const minute = 60_000;
  const slow = routes.map((route) => ({
    ...route,
    delivery: { ...route.delivery, backoffDelayMs: 10 * minute },
  }));
  let now = 1_000;
  const start = (): Dispatcher => {
    const dispatcher = createDispatcher({ queue, routes: slow, now: () => now });
    dispatcher.start();
    return dispatcher;
  };
  let dispatcher = start();
  const { out } = turn(queue, dispatcher, () => dispatcher.publish(posted()));
  turn(queue, dispatcher, () => {
    const [own, asked] = out.map(({ delivery }) => delivery);
    dispatcher.settle({ delivery: own ?? 0, outcome: status(503) });
    const outcome = { ...status(503), retryAfterMs: 30 * minute };
    dispatcher.settle({ delivery: asked ?? 0, outcome });
  });
  const attempts: (readonly [route: string, minutes: number, attempt: number])[] = [];
  for (let passed = 1; passed <= 30; passed += 1) {
    now += minute;
    dispatcher = start();
    for (const { route, attempt, delivery } of turn(queue, dispatcher).out) {
      attempts.push([route, passed, attempt]);
      turn(queue, dispatcher, () => dispatcher.settle({ delivery, outcome: status(503) }));
    }
  }
  t.deepEqual(attempts, [
    ['one', 10, 2],
    ['one', 30, 3],
    ['two', 30, 2],
  ]);
  queue.close();
});

test('a trigger that stands still leaves room for every other one, in rows and in bytes', (t) => {
  for (const { size, most } of [
    { size: 2, most: limits.deliveries / 2 },
    { size: 10_000 - posted().header.length, most: limits.bytes / 2 / 10_000 },
  ]) {
    const queue = createQueue(':memory:', limits);
    const dispatcher = createDispatcher({ queue, routes, now: () => 1 });
    const fill = (route: string): number => {
      let taken = 0;
      queue.transaction(() => {
        while (dispatcher.publish(posted([route], size))) taken += 1;
      });
      dispatcher.committed();
      return taken;
    };
    t.is(fill('one'), most, 'half of the queue');
    t.is(fill('two'), most / 2, 'as much as is left beside it');
    t.false(dispatcher.publish(posted(['one', 'two'], size)), 'an event is taken for all or none');
    queue.close();
  }
});

test('a reply is stored with the settlement, and a reply without room makes the attempt fail', (t) => {
  const queue = createQueue(':memory:', { ...limits, deliveries: 3 });
  let now = 1;
  const dispatcher = createDispatcher({ queue, routes, now: () => now });
  dispatcher.start();
  const settle = (message: DeliverMessage | undefined): Turned =>
    turn(queue, dispatcher, () => {
      const delivery = message?.delivery ?? 0;
      dispatcher.settle({ delivery, outcome: status(200), reply: posted(['two']) });
    });
  const { out } = turn(queue, dispatcher, () => dispatcher.publish(posted(['one'])));
  const replied = settle(out[0]);
  t.deepEqual(
    replied.out.map(({ route }) => route),
    ['two'],
  );
  t.like(dispatcher.counters(), { depth: 1, delivered: 1, replied: 1 });

  turn(queue, dispatcher, () => dispatcher.publish(posted(['one'])));
  const { wake } = settle(replied.out[0]);
  t.like(dispatcher.counters(), { depth: 2, delivered: 1, replied: 1, retried: 1 });
  now = wake ?? now;
  t.is(turn(queue, dispatcher).out[0]?.attempt, 2);
  queue.close();
});
