import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { findRuns, type FoundRun } from '../../cloverctl/supervisor/run-record.ts';
import { down, up } from './keep.ts';
import { leftBehind } from './left-behind.ts';
import { readRunning, type Running } from './running.ts';
import { tierNames } from './tiers.ts';
import { whyLeftOut } from './with-cluster.ts';

/** What the kubelet would set on the whole machine. */
const settings = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
];

function readSettings(): string[] {
  return settings.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8'));
}

function runOf({ run }: Running): FoundRun {
  const found = findRuns(dirname(run)).find(({ path }) => path === run);
  if (found === undefined) throw new Error(`no run ${run}`);
  return found;
}

for (const tier of tierNames) {
  const why = await whyLeftOut(tier);
  if (why !== undefined) process.stderr.write(`${why}\n`);
  const serial = why === undefined ? test.serial : test.serial.skip;

  serial(
    `tier ${tier}: nothing is left when its keeper was killed and it is taken down`,
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'clover-keeper-'));
      const file = join(folder, 'running.json');
      t.teardown(async () => {
        await down(file);
        rmSync(folder, { recursive: true });
      });
      const before = readSettings();
      const running = await up(tier, file);
      const { keeper } = running;
      t.deepEqual(await up(tier, file), running, 'it is not started twice');
      const run = runOf(running);
      t.true(run.record.processes.length > 2);
      t.true(leftBehind(run).length > 2, 'there is something to take down');
      t.deepEqual(readSettings(), before, 'the machine is as it was');

      process.kill(keeper.pid, 'SIGKILL');
      while (isAlive(keeper)) await sleep(10);
      t.is(readRunning(file), undefined);
      t.true(run.record.processes.some(isAlive), 'what it kept outlives it');
      t.true(await down(file));

      t.deepEqual(leftBehind(run), []);
      t.false(existsSync(file));
      t.deepEqual(readSettings(), before);
      t.false(await down(file), 'a second time there is nothing to do');
    },
  );
}
