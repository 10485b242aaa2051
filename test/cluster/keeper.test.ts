import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { isAlive } from '../../cloverctl/supervisor/process-table.ts';
import { findRuns, type FoundRun } from '../../cloverctl/supervisor/run-record.ts';
import { down, up } from './keep.ts';
import { leftBehind } from './left-behind.ts';
import { readRunning, type Running } from './running.ts';
import type { TierName } from './tiers.ts';
import { whyLeftOut } from './with-cluster.ts';

/** What a kubelet sets on its machine where it can. */
const settings = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
];
/** Where programs of a node write, whatever they are told. */
const fixedFolders = ['/run/containerd', '/var/lib/cni', '/var/lib/kubelet', '/var/log/containers'];

const reasons = {
  api: await whyLeftOut('api'),
  node: await whyLeftOut('node'),
  observe: await whyLeftOut('observe'),
};
const on = (tier: keyof typeof reasons) => {
  const why = reasons[tier];
  if (why === undefined) return test.serial;
  process.stderr.write(`${why}\n`);
  return test.serial.skip;
};

on('api')('nothing is left of a tier api whose keeper was killed', (t) => killKeeper(t, 'api'));

on('node')('nothing is left of a tier node and its pods when its keeper was killed', (t) =>
  killKeeper(t, 'node', async ({ kubectl, kubeconfig }) => {
    const call = (...args: readonly string[]) =>
      promisify(execFile)(kubectl, [`--kubeconfig=${kubeconfig}`, ...args]);
    await call('run', 'idle', '--image=dev.local/pause:1');
    await call('wait', '--for=condition=Ready', '--timeout=60s', 'pod/idle');
  }),
);

on('observe')(
  'nothing is left of the tier that is on all others when its keeper was killed',
  (t) => {
    t.timeout(600_000);
    return killKeeper(t, 'observe');
  },
);

on('api')('nothing is left of a start that was stopped', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'clover-keeper-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const before = new Set(findRuns().map(({ path }) => path));
  const stop = new AbortController();
  const start = up('api', join(folder, 'running.json'), stop.signal);
  const own = (): FoundRun | undefined =>
    findRuns().find(({ path, record }) => !before.has(path) && record.processes.length > 0);
  while (own() === undefined) await sleep(5);
  const run = own();
  stop.abort(new Error('enough'));
  await t.throwsAsync(start, { message: 'enough' });
  t.deepEqual(run && leftBehind(run), []);
  t.false(existsSync(join(folder, 'running.json')));
});

/** Starts a tier, kills its keeper after some work, and takes it down. */
async function killKeeper(
  t: ExecutionContext,
  tier: TierName,
  work: (running: Running) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'clover-keeper-'));
  const file = join(folder, 'running.json');
  t.teardown(async () => {
    await down(file);
    rmSync(folder, { recursive: true });
  });
  const before = readMachine();
  const running = await up(tier, file);
  const { keeper } = running;
  t.deepEqual(await up(tier, file), running, 'it is not started twice');
  await work(running);
  const run = runOf(running);
  t.true(run.record.processes.length > 2);
  t.true(leftBehind(run).length > 3, 'there is something to take down');
  t.deepEqual(readMachine(), before, 'the machine is as it was');

  process.kill(keeper.pid, 'SIGKILL');
  while (isAlive(keeper)) await sleep(10);
  t.is(readRunning(file), undefined);
  t.true(run.record.processes.some(isAlive), 'what it kept outlives it');
  const told = (await status()).split('\n').filter((line) => line.includes(run.path));
  t.regex(told[0] ?? '', /^left of a cluster whose keeper was killed: /);
  t.is(told.length, 1 + run.record.processes.filter(isAlive).length);
  t.true(await down(file));

  t.deepEqual(leftBehind(run), []);
  t.false((await status()).includes(run.path));
  t.false(existsSync(file));
  t.deepEqual(readMachine(), before);
}

/** What `npm run cluster -- status` prints, whether or not there is a cluster that it keeps. */
async function status(): Promise<string> {
  const args = ['test/cluster/main.ts', 'status'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (_, stdout) => resolve(stdout));
  });
}

function readMachine(): unknown {
  return {
    settings: settings.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8')),
    folders: fixedFolders.filter((path) => existsSync(path)),
  };
}

function runOf({ run }: Running): FoundRun {
  const found = findRuns(dirname(run)).find(({ path }) => path === run);
  if (found === undefined) throw new Error(`no run ${run}`);
  return found;
}
