import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { isAlive, processesMarked } from '../../../cloverctl/supervisor/process-table.ts';
import { findRuns, runMark } from '../../../cloverctl/supervisor/run-record.ts';
import { supervisedRun } from './supervised-run.ts';

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries++) await sleep(20);
}

const shell = (name: string, script: string) => ({ name, command: 'bash', args: ['-c', script] });

test('a process stands in the record on disk as soon as it is started, and not after its end', async (t) => {
  const { supervisor, parent } = supervisedRun(t);
  const started = await supervisor.start(shell('one', 'echo hello; sleep 60'));
  const recorded = findRuns(parent)[0]?.record.processes[0];
  t.is(recorded?.pid, started.pid);
  t.is(recorded?.startTime, started.startTime);
  await until(() => supervisor.tail('one') === 'hello');
  t.is(supervisor.tail('one'), 'hello');
  await supervisor.stop('one');
  t.false(isAlive(started));
  t.deepEqual(findRuns(parent)[0]?.record.processes, []);
});

test('processes are stopped in the reverse order of their start', async (t) => {
  const { run, supervisor } = supervisedRun(t);
  const log = join(run.path, 'order');
  for (const name of ['first', 'second', 'third']) {
    await supervisor.start(
      shell(
        name,
        `trap 'echo ${name} >> ${log}; exit' TERM; touch ${log}.${name}; while :; do sleep 0.05; done`,
      ),
    );
    await until(() => existsSync(`${log}.${name}`));
  }
  await supervisor.stopAll();
  t.is(readFileSync(log, 'utf8'), 'third\nsecond\nfirst\n');
});

test('a process that ignores SIGTERM is killed after its grace, with what it has started', async (t) => {
  const { run, supervisor } = supervisedRun(t);
  const ready = join(run.path, 'ready');
  await supervisor.start({
    ...shell('stubborn', `trap '' TERM; sleep 300 & touch ${ready}; while :; do sleep 1; done`),
    graceMs: 100,
  });
  await until(() => existsSync(ready));
  await supervisor.stop('stubborn');
  await until(() => processesMarked(runMark, run.path).length === 0);
  t.deepEqual(processesMarked(runMark, run.path), []);
});

test('a process that is marked so comes back after each crash, until it is stopped', async (t) => {
  const { supervisor } = supervisedRun(t);
  const first = await supervisor.start({ ...shell('phoenix', 'sleep 300'), restart: true });
  process.kill(first.pid, 'SIGKILL');
  await until(() => (supervisor.get('phoenix')?.pid ?? first.pid) !== first.pid);
  const second = supervisor.get('phoenix');
  t.not(second?.pid, first.pid);
  await supervisor.stop('phoenix');
  await sleep(500);
  t.is(supervisor.get('phoenix'), undefined);
});

test('a killed process stays away until it is restarted by name', async (t) => {
  const { supervisor } = supervisedRun(t);
  const first = await supervisor.start({ ...shell('server', 'sleep 300'), restart: true });
  await supervisor.kill('server');
  t.is(supervisor.get('server'), undefined);
  const again = await supervisor.restart('server');
  t.not(again.pid, first.pid);
  t.true(isAlive(again));
});

test('a command that does not exist is named in the error', async (t) => {
  const { supervisor } = supervisedRun(t);
  await t.throwsAsync(
    supervisor.start({ name: 'x', command: 'clover-no-such-program', args: [] }),
    {
      message: /clover-no-such-program/,
    },
  );
});
