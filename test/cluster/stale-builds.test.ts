import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { removeStaleBuilds } from './stale-builds.ts';

test('other builds of a module go, and nothing of other modules', async (t) => {
  const bin = await mkdtemp(join(tmpdir(), 'clover-builds-'));
  t.teardown(() => rm(bin, { recursive: true }));
  const [old, now] = ['0123456789abcdef', 'fedcba9876543210'];
  const names = [`node-${old}`, `node-${now}`, `kubernetes-node-${old}`, `node-parts-${old}`];
  for (const name of names) await mkdir(join(bin, name));
  t.deepEqual(await removeStaleBuilds(join(bin, `node-${now}`)), [`node-${old}`]);
  t.deepEqual((await readdir(bin)).toSorted(), names.slice(1).toSorted());
  t.deepEqual(await removeStaleBuilds(join(bin, `kubernetes-${now}`)), []);
});
