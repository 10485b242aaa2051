import test from 'ava';
import { parseSchedules } from '../../../functions/host/scheduler.ts';
import { entryOf, until } from './helpers.ts';
import { minute, noon, SchedulerBench } from './scheduler-bench.ts';

test('a line with a field of seconds ticks at those seconds', async (t) => {
  const bench = await SchedulerBench.start(t, '*/20 * * * * *');
  await bench.pass(7, 10_000);
  t.deepEqual(
    bench.seen.map(({ at }) => (at - noon) / 1_000),
    [20, 40, 60],
  );
});

test('descriptors tick at their instants, in the zone too; @every is refused with its place', async (t) => {
  const hourly = await SchedulerBench.start(t, '@hourly');
  await hourly.pass(2, 60 * minute);
  t.deepEqual(hourly.ticks, [
    [60, 0],
    [120, 0],
  ]);
  // Midnight in Kolkata is half past six in the evening by UTC.
  const daily = await SchedulerBench.start(t, '@daily', 'Asia/Kolkata', noon + 380 * minute);
  await daily.pass(1, 10 * minute - 1);
  t.deepEqual(daily.ticks, []);
  await daily.pass(1, 1);
  t.deepEqual(daily.ticks, [[390, 0]]);
  const every = entryOf('f', { schedules: [{ name: 's', schedule: '@every 1m' }] });
  t.throws(() => parseSchedules(every), {
    code: 'CLV_CONFIG_INVALID',
    message: /^f\.schedules\[0\]\.schedule: found "@every 1m"/,
  });
});

test('a schedule in a zone heeds the changes of its clocks', async (t) => {
  const ticksFrom = async (begin: number): Promise<string[]> => {
    const bench = await SchedulerBench.start(t, '30 2 * * *', 'Europe/Berlin', begin);
    await bench.pass(4, 30 * minute);
    return bench.seen.map((each) => new Date(each.at).toISOString());
  };
  // Half past two is there once on 28 March, not at all on the 29th, and twice on 25 October.
  t.deepEqual(await ticksFrom(Date.UTC(2026, 2, 28, 0, 1)), ['2026-03-28T01:30:00.000Z']);
  t.deepEqual(await ticksFrom(Date.UTC(2026, 2, 29, 0, 1)), []);
  t.deepEqual(await ticksFrom(Date.UTC(2026, 9, 25, 0, 1)), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T01:30:00.000Z',
  ]);
});

test('however often it is started again, a period has one tick', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  for (const step of [20, 20, 30, 1, 1, 49, 59, 61, 0, 0, 119, 1]) {
    await bench.pass(1, step * 1_000);
    await bench.stop();
    await bench.start();
    await until(async () => (await bench.waiting()) === 0);
  }
  // 361 seconds: six minutes, the last of which may be in two.
  t.deepEqual(
    bench.ticks.map(([minutes]) => minutes),
    [1, 2, 3, 4, 5, 6],
  );
  t.true(bench.ticks.every(([, missed]) => missed === 0));
});

test('after a year away there is one tick, which counts a thousand', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  await bench.pass(1, minute);
  await bench.stop();
  bench.clock.set(noon + 365 * 24 * 60 * minute);
  await bench.start();
  await until(() => bench.seen.length === 2);
  await bench.stop();
  await bench.start();
  await bench.pass(1, minute);
  t.deepEqual(bench.ticks, [
    [1, 0],
    [365 * 24 * 60, 1_000],
    [365 * 24 * 60 + 1, 0],
  ]);
});
