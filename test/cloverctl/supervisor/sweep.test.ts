import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { pino } from 'pino';
import { makeCgroup, processesInCgroups } from '../../../cloverctl/supervisor/cgroups.ts';
import { ip } from '../../../cloverctl/supervisor/links.ts';
import { createSupervisor } from '../../../cloverctl/supervisor/processes.ts';
import { createSdc } from '../../../infra/samples/sdc/deploy.ts';
import { processesMarked } from '../../../cloverctl/supervisor/process-table.ts';
import { createRunFolder, findRuns, runMark } from '../../../cloverctl/supervisor/run-record.ts';
import { sweep, takeDown } from '../../../cloverctl/supervisor/sweep.ts';

const victim = fileURLToPath(new URL('abandoned-run.ts', import.meta.url));

test('a sweep after SIGKILL leaves no process, namespace, link or folder of the run', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'clover-sweep-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  const child = spawn(process.execPath, [victim, parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await sweep(parent);
  });
  const lines = createInterface({ input: child.stdout });
  const path = await Promise.race([
    once(lines, 'line').then((values: unknown[]) => String(values[0])),
    once(child, 'exit').then(() => 'it ended early'),
  ]);
  const [run] = findRuns(parent);
  if (run === undefined) return t.fail('no run was found');
  t.is(run.path, path);
  const { namespaces, links } = run.record;
  t.is(namespaces.length, 7);
  t.true(namespaces.every((name) => existsSync(`/run/netns/${name}`)));
  t.true(links.every((name) => existsSync(`/sys/class/net/${name}`)));
  t.true(processesMarked(runMark, run.path).length > 0);

  t.deepEqual(await sweep(parent), [], 'a run whose owner lives is not touched');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const [swept] = await sweep(parent);

  t.true((swept?.processes ?? 0) >= 5, 'five nginx at least');
  t.false(namespaces.some((name) => existsSync(`/run/netns/${name}`)));
  t.false(links.some((name) => existsSync(`/sys/class/net/${name}`)));
  t.deepEqual(processesMarked(runMark, run.path), []);
  t.deepEqual(readdirSync(parent), []);
  t.deepEqual(await sweep(parent), [], 'a second sweep finds nothing');
  return undefined;
});

test('a sweep takes away the routes of a run, and its control groups with what runs in them', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'clover-sweep-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  const abandoned = join(parent, 'clover-test-1-1-RoUtEs');
  mkdirSync(abandoned);
  // A documentation range: nothing is there. https://www.rfc-editor.org/rfc/rfc5737
  const route = `unreachable 198.51.100.0/24 metric ${process.pid}`;
  const cgroup = `clover-test-sweep-${process.pid}`;
  const record = { processes: [], namespaces: [], links: [], routes: [route], cgroups: [cgroup] };
  writeFileSync(join(abandoned, 'run.json'), JSON.stringify(record));
  await ip([`route add ${route}`]);
  makeCgroup(cgroup);
  const stubborn = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done']);
  await once(stubborn.stdout, 'data');
  const exited: Promise<unknown[]> = once(stubborn, 'exit');
  const [hierarchy] = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([, path = '', type = '']) => (type.startsWith('cgroup') ? [path] : []));
  writeFileSync(join(hierarchy ?? '', cgroup, 'cgroup.procs'), String(stubborn.pid));

  const [swept] = await sweep(parent);

  t.true((swept?.processes ?? 0) >= 1);
  await exited;
  t.is(stubborn.signalCode, 'SIGKILL');
  t.deepEqual(processesInCgroups([cgroup]), []);
  t.false(existsSync(join(hierarchy ?? '', cgroup)));
  const routes = execFileSync('ip', ['route', 'show', '198.51.100.0/24'], { encoding: 'utf8' });
  t.false(routes.includes(String(process.pid)));
  t.deepEqual(readdirSync(parent), []);
});

test('a sweep does not touch a process that has only the pid of a recorded one', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'clover-sweep-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  const bystander = spawn('sleep', ['60']);
  await once(bystander, 'spawn');
  t.teardown(() => bystander.kill('SIGKILL'));
  const abandoned = join(parent, 'clover-test-1-1-AbCdEf');
  mkdirSync(abandoned);
  const entry = { name: 'x', pid: bystander.pid, startTime: '1', command: ['sleep'] };
  writeFileSync(
    join(abandoned, 'run.json'),
    JSON.stringify({ processes: [entry], namespaces: [], links: [] }),
  );

  const [swept] = await sweep(parent);

  t.is(swept?.processes, 0);
  t.is(bystander.exitCode, null);
  t.is(bystander.signalCode, null);
  t.false(existsSync(abandoned));
});

test('a run folder belongs to its maker from its first instant', (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'clover-sweep-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  const run = createRunFolder('test', parent);
  const [found] = findRuns(parent);
  t.is(found?.path, run.path);
  t.is(found?.owner.pid, process.pid);
  t.deepEqual(found?.record, {
    processes: [],
    namespaces: [],
    links: [],
    routes: [],
    cgroups: [],
  });
});

test('a run that is taken down while its sample is being made leaves nothing behind', async (t) => {
  for (const afterMs of [0, 15, 40, 80, 130]) {
    const parent = mkdtempSync(join(tmpdir(), 'clover-sweep-'));
    t.teardown(() => rmSync(parent, { recursive: true, force: true }));
    const run = createRunFolder('test', parent);
    const supervisor = createSupervisor({ run, log: pino({ level: 'silent' }) });
    const making = createSdc({ run, supervisor }).up();
    making.catch(() => undefined);
    await sleep(afterMs);
    await supervisor.stopAll();
    await takeDown(run);
    await Promise.allSettled([making]);
    const { namespaces, links } = run.record;
    t.false(namespaces.some((name) => existsSync(`/run/netns/${name}`)));
    t.false(links.some((name) => existsSync(`/sys/class/net/${name}`)));
    t.deepEqual(processesMarked(runMark, run.path), []);
    t.deepEqual(readdirSync(parent), []);
    await t.throwsAsync(createSdc({ run, supervisor }).up(), { message: /taken down/ });
  }
});
