import { join } from 'node:path';
import test from 'ava';
import { createBroker } from '../../../functions/host/broker/broker.ts';
import { createRunner } from '../../../functions/host/runner.ts';
import { periodStart, startScheduler, tickEvent } from '../../../functions/host/scheduler.ts';
import { systemClock, type Clock } from '../../../functions/lib/clock.ts';
import { eventTypes, tick, type Tick } from '../../../knative/events.ts';
import { entryOf, silent, temporaryFolder, until } from './helpers.ts';

/** Time that moves by the sleeps of the scheduler, ten times as fast as the machine's. */
const fastClock = (start: number): Clock => {
  const began = systemClock.now();
  return {
    now: () => start + (systemClock.now() - began) * 10,
    sleep: (ms, signal) => systemClock.sleep(Math.ceil(ms / 10), signal),
  };
};

test('a tick is named by its schedule and period', (t) => {
  t.is(periodStart(12_345, 5_000), 10_000);
  const event = tickEvent('s', 10_000);
  t.is(event.id, 's-10000');
  t.is(event.source, '/schedules/s');
  t.is(event.type, eventTypes.tick);
  t.deepEqual(tick.parse(JSON.parse(event.data.toString())), { schedule: 's', at: 10_000 });
});

test('an active schedule ticks once per period, an inactive one never, also over a restart', async (t) => {
  const folder = await temporaryFolder(t);
  const catalogue = [
    entryOf('f', {
      schedules: [
        { name: 'on', everySeconds: 1 },
        { name: 'off', everySeconds: 1 },
      ],
    }),
  ];
  const seen: Tick[] = [];
  const runner = createRunner({
    functions: [
      {
        name: 'f',
        isActive: async (schedule) => schedule === 'on',
        onEvent: async (event) => {
          seen.push(tick.parse(JSON.parse(event.data.toString())));
        },
      },
    ],
    catalogue,
    log: silent,
  });
  const clock = fastClock(1_000_000);
  for (const wanted of [3, 6]) {
    const broker = await createBroker({
      path: join(folder, 'broker.db'),
      entries: catalogue,
      log: silent,
      onFatal: (error) => t.fail(String(error)),
    });
    await broker.start((delivery) => runner.deliver(delivery));
    const scheduler = startScheduler({ deployed: runner.deployed, broker, clock, log: silent });
    await until(() => seen.length >= wanted);
    await scheduler.stop();
    await broker.drain();
    await broker.close();
  }
  const periods = seen.map(({ at }) => at);
  t.is(new Set(periods).size, periods.length, 'no period has two ticks');
  t.true(periods.every((at) => at % 1_000 === 0));
  t.true(seen.every(({ schedule }) => schedule === 'on'));
});

test('a clock that is set back by an hour stops neither ticks nor what waits', async (t) => {
  const folder = await temporaryFolder(t);
  const catalogue = [entryOf('f', { schedules: [{ name: 's', everySeconds: 1 }] })];
  const seen: number[] = [];
  let offset = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + offset };
  const runner = createRunner({
    functions: [
      {
        name: 'f',
        // Set back between the start of the period and the wait for its end.
        isActive: async () => {
          if (seen.length === 1) offset = -3_600_000;
          return true;
        },
        onEvent: async (event) => {
          seen.push(tick.parse(JSON.parse(event.data.toString())).at);
        },
      },
    ],
    catalogue,
    log: silent,
  });
  const broker = await createBroker({
    path: join(folder, 'broker.db'),
    entries: catalogue,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
  });
  t.teardown(() => broker.close());
  await broker.start((delivery) => runner.deliver(delivery));
  const scheduler = startScheduler({ deployed: runner.deployed, broker, clock, log: silent });
  await until(() => seen.length >= 4);
  await scheduler.stop();
  await broker.drain();
  t.true((seen.at(-1) ?? 0) < (seen[0] ?? 0));
});
