import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { tickEvent } from '../../../functions/host/scheduler.ts';
import { serve } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { eventTypes, tick, type Tick } from '../../../knative/events.ts';
import { entryOf, silent, temporaryFolder, until } from './helpers.ts';
import { minute, noon, SchedulerBench } from './scheduler-bench.ts';

test('a tick is named by its schedule and its instant', (t) => {
  const event = tickEvent('s', 10_000, 3);
  t.is(event.id, 's-10000');
  t.is(event.source, '/schedules/s');
  t.is(event.type, eventTypes.tick);
  t.is(event.time, '1970-01-01T00:00:10.000Z');
  t.deepEqual(tick.parse(JSON.parse(event.data.toString())), {
    schedule: 's',
    at: 10_000,
    missed: 3,
  });
});

test('each period has one tick at its instant, over restarts too', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  await bench.pass(2, minute);
  await bench.stop();
  await bench.start();
  await bench.pass(1, minute);
  t.deepEqual(bench.ticks, [
    [1, 0],
    [2, 0],
    [3, 0],
  ]);
});

test('instants are those of the time zone', async (t) => {
  const bench = await SchedulerBench.start(t, '30 18 * * *', 'Asia/Kolkata');
  await bench.pass(1, 59 * minute);
  t.deepEqual(bench.ticks, []);
  await bench.pass(1, minute);
  t.deepEqual(bench.ticks, [[60, 0]]);
});

test('after a time away there is one tick, of the newest period, that counts the others', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  await bench.pass(1, minute);
  await bench.stop();
  bench.clock.set(noon + 10.5 * minute);
  await bench.start();
  await until(() => bench.seen.length === 2);
  await bench.pass(1, minute);
  t.deepEqual(bench.ticks, [
    [1, 0],
    [10, 8],
    [11, 0],
  ]);
});

test('there is no tick while nothing is active, and what nobody wanted is not missed', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  await bench.pass(1, minute);
  bench.active = false;
  await bench.pass(5, minute);
  await bench.stop();
  bench.clock.set(noon + 60 * minute);
  bench.active = true;
  await bench.start();
  await bench.pass(1, minute);
  bench.active = false;
  await bench.pass(2, minute);
  bench.active = true;
  await bench.pass(1, minute);
  t.deepEqual(bench.ticks, [
    [1, 0],
    [61, 0],
    [64, 0],
  ]);
});

test('a crash before the first tick of an active schedule is healed', async (t) => {
  const bench = await SchedulerBench.start(t, '0 * * * *');
  await bench.stop();
  bench.clock.set(noon + 70 * minute);
  await bench.start();
  await until(() => bench.seen.length === 1);
  t.deepEqual(bench.ticks, [[60, 0]]);
});

test('a clock that is set forward gives one tick, and no burst', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  await bench.pass(1, minute);
  bench.clock.set(noon + 61.25 * minute);
  await bench.pass(1, minute);
  t.deepEqual(bench.ticks.at(-1)?.[0], 62);
  t.is(bench.seen.length, 3);
  t.is(bench.ticks[1]?.[1], 59);
});

test('a clock that is set back a little repeats nothing; by an hour, it goes on', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * * *');
  await bench.pass(5, 1_000);
  t.is(bench.seen.length, 5);
  bench.clock.set(noon + 2_000);
  await bench.pass(3, 1_000);
  t.is(bench.seen.length, 5);
  await bench.pass(1, 1_000);
  t.is(bench.seen.length, 6);
  bench.clock.set(noon - 60 * minute);
  await bench.pass(3, 1_000);
  const instants = bench.seen.map(({ at }) => at);
  t.is(new Set(instants).size, instants.length);
  t.true(bench.seen.length >= 8);
  t.true((instants.at(-1) ?? 0) < noon);
});

test('a clock that is set back for good is believed over restarts, whether it was noticed before or after one', async (t) => {
  for (const noticed of ['while it runs', 'at the next start']) {
    const bench = await SchedulerBench.start(t, '0 * * * *', undefined, noon + 24 * 60 * minute);
    await bench.pass(1, 60 * minute);
    t.is(bench.seen.length, 1);
    if (noticed === 'at the next start') await bench.stop();
    bench.clock.set(noon + 30 * minute);
    if (noticed === 'at the next start') await bench.start();
    else await bench.pass(1, minute);
    await bench.stop();
    bench.clock.set(noon + 70 * minute);
    await bench.start();
    await bench.pass(1, 50 * minute);
    t.deepEqual(bench.ticks.slice(1), [
      [60, 0],
      [120, 0],
    ]);
    await bench.stop();
  }
});

test('a period that comes again after a clock was set back has its tick again, at rest meanwhile or not', async (t) => {
  for (const active of [true, false]) {
    const bench = await SchedulerBench.start(t, '0 * * * *');
    await bench.pass(1, 60 * minute);
    bench.active = active;
    await bench.stop();
    bench.clock.set(noon + 30 * minute);
    await bench.start();
    await bench.pass(1, minute);
    bench.active = true;
    await bench.pass(1, 29 * minute);
    await bench.pass(1, 60 * minute);
    t.deepEqual(bench.ticks, [
      [60, 0],
      [60, 0],
      [120, 0],
    ]);
    await bench.stop();
  }
});

test('while a tick waits there is no other; then the newest period has its own', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  const gate = Promise.withResolvers<void>();
  bench.gate = gate.promise;
  await bench.clock.pass(3 * minute, 1);
  gate.resolve();
  await until(() => bench.seen.length === 1);
  await bench.pass(1, minute);
  t.deepEqual(bench.ticks, [
    [1, 0],
    [3, 1],
    [4, 0],
  ]);
});

test('an isActive that hangs holds up neither the end nor, for good, the ticks', async (t) => {
  const bench = await SchedulerBench.start(t, '* * * * *');
  const never = Promise.withResolvers<void>();
  bench.silence = never.promise;
  await bench.clock.pass(minute + 10_000, 1);
  bench.silence = undefined;
  await bench.pass(2, minute);
  t.deepEqual(
    bench.ticks.slice(-2).map(([at]) => at),
    [2, 3],
  );
  bench.silence = never.promise;
  await bench.clock.pass(minute, 1);
  await bench.stop();
  t.pass('it has stopped');
});

test('a bad cron line is refused before anything is opened, with its place', async (t) => {
  const folder = await temporaryFolder(t);
  const starting = serve({
    functions: [{ name: 'f' }],
    catalogue: [entryOf('f', { schedules: [{ name: 's', schedule: '61 * * * *' }] })],
    brokerPath: join(folder, 'missing', 'broker.db'),
    token: 'token-of-the-test',
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    log: silent,
    onFatal: () => undefined,
  });
  const error = await t.throwsAsync(starting, { code: 'CLV_CONFIG_INVALID' });
  t.regex(error.message, /^f\.schedules\[0\]\.schedule: found "61"; minute: must be/);
});

test('a process that is killed and comes back has one tick per second and makes good once', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'ticks');
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, [
      new URL('fixtures/ticking-process.ts', import.meta.url).pathname,
      join(folder, 'broker.db'),
      file,
    ]);
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  };
  const read = async (): Promise<Tick[]> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => tick.parse(JSON.parse(line)));
  };
  let child = start();
  await until(async () => (await read()).length >= 2);
  for (let restarts = 0; restarts < 3; restarts += 1) {
    const { length } = await read();
    child.kill('SIGKILL');
    await once(child, 'exit');
    child = start();
    await until(async () => (await read()).length > length);
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  const before = await read();
  await systemClock.sleep(3_000);
  child = start();
  await until(async () => (await read()).length >= before.length + 3);
  child.kill('SIGKILL');
  await once(child, 'exit');
  // What was on its way when the process ended comes again, as itself.
  const ticks = [...new Map((await read()).map((each) => [each.at, each])).values()];
  const later = ticks.filter(({ at }) => at > (before.at(-1)?.at ?? 0));
  const last = ticks.at(-1)?.at ?? 0;
  const wanted = (last - (ticks[0]?.at ?? 0)) / 1_000 + 1;
  const missed = ticks.reduce((sum, each) => sum + each.missed, 0);
  t.is(ticks.length + missed, wanted, 'every second had its tick or is counted');
  t.true(later.some((each) => each.missed >= 1));
});
