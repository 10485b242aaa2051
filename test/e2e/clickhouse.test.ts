import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { assertRight, startDemo, type RunningDemo } from './helpers/demo.ts';

/** The pid of the demo's ClickHouse once it judges. */
async function clickhouseOf(demo: RunningDemo): Promise<number> {
  await demo.line('Running, 50 % on v2');
  const found = demo.record()?.record.processes.find(({ name }) => name === 'clickhouse');
  if (found === undefined) throw new Error('the demo has no ClickHouse');
  return found.pid;
}

test.serial(
  'a ClickHouse that is killed while it judges delays no verdict and loses no request',
  async (t) => {
    const demo = startDemo(t);
    process.kill(await clickhouseOf(demo), 'SIGKILL');
    const { code, lines } = await demo.ended;
    t.true(lines.some((line) => line.includes('process ended by itself')));
    t.is(code, 0);
    assertRight(t, lines);
  },
);

test.serial(
  'a ClickHouse that hangs while it judges delays no verdict and loses no request',
  async (t) => {
    const demo = startDemo(t);
    const pid = await clickhouseOf(demo);
    process.kill(pid, 'SIGSTOP');
    t.teardown(() => {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // It has ended with its demo.
      }
    });
    // The verdict needs no ClickHouse: it comes while that stands still.
    await demo.line('PASS');
    await delay(1_000);
    process.kill(pid, 'SIGCONT');
    const { code, lines } = await demo.ended;
    t.is(code, 0);
    assertRight(t, lines);
  },
);
