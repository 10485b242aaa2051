import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  deleteCgroups,
  makeCgroup,
  processesInCgroups,
} from '../../../cloverctl/supervisor/cgroups.ts';
import { identify } from '../../../cloverctl/supervisor/process-table.ts';

const tops = readFileSync('/proc/self/mounts', 'utf8')
  .split('\n')
  .map((line) => line.split(' '))
  .flatMap(([, path, type]) => (path !== undefined && /^cgroup2?$/.test(type ?? '') ? [path] : []));
const [top] = tops;
const can = process.getuid?.() === 0 && top !== undefined ? test : test.skip;

can('a control group is in every hierarchy, and goes with those below it', async (t) => {
  const name = `clover-test-${process.pid}`;
  t.teardown(() => deleteCgroups([name]));
  const [first = ''] = tops;
  makeCgroup(name);
  t.true(tops.every((path) => existsSync(join(path, name))));
  const below = join(first, name, 'a/b');
  mkdirSync(below, { recursive: true });
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  t.teardown(() => child.kill('SIGKILL'));
  const pid = child.pid ?? 0;
  writeFileSync(join(below, 'cgroup.procs'), String(pid));

  const identity = identify(pid);
  t.deepEqual(processesInCgroups([name]), identity === undefined ? [] : [identity]);
  t.deepEqual(processesInCgroups([`${name}-other`]), []);

  const exited: Promise<unknown[]> = once(child, 'exit');
  const deleted = deleteCgroups([name]);
  child.kill('SIGKILL');
  await exited;
  await deleted;
  t.false(tops.some((path) => existsSync(join(path, name))));
  await t.notThrowsAsync(deleteCgroups([name]), 'a second time there is nothing to do');
});
