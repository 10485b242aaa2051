import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../../functions/lib/clock.ts';
import { createSqliteSnapshotStore } from '../../../../functions/mesh/envoy/sqlite-snapshot-store.ts';
import { holdToVersions, storedFile } from '../../lib/stored-file.ts';

const next = (
  version: number,
): { version: number; hash: string; resources: string; released: string[] } => ({
  version,
  hash: `h${version}`,
  resources: `{"n":${version}}`,
  released: [`u${version}`],
});

const open = (path: string) => createSqliteSnapshotStore({ path, clock: systemClock });

test('only a writer that has seen the head moves it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clover-policy-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'policy.db');
  const one = createSqliteSnapshotStore({ path, clock: systemClock });
  const two = createSqliteSnapshotStore({ path, clock: systemClock });
  t.is(await one.head(), undefined);
  await one.advance(0, next(1));
  await t.throwsAsync(two.advance(0, next(2)), { code: 'CLV_CONFLICT' });
  await two.advance(1, next(2));
  const head = await one.head();
  t.deepEqual({ ...head, at: 0 }, { ...next(2), at: 0 });
  await t.throwsAsync(one.advance(2, next(2)), { instanceOf: RangeError });
  await one.close();
  await two.close();

  const reopened = createSqliteSnapshotStore({ path, clock: systemClock });
  t.is((await reopened.head())?.resources, '{"n":2}');
  await reopened.close();
});

test('the newest ten revisions are kept, newest first', async (t) => {
  const store = createSqliteSnapshotStore({ path: ':memory:', clock: systemClock });
  for (let version = 1; version <= 13; version += 1)
    await store.advance(version - 1, next(version));
  const versions = (await store.revisions()).map((revision) => revision.version);
  t.deepEqual(versions, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
  await store.close();
});

test('a file of before files had versions is read, and one of a newer Clover is refused', async (t) => {
  const unversioned = new URL('fixtures/unversioned.sql', import.meta.url);
  await holdToVersions(t, unversioned, open);
  const store = open(await storedFile(t, await readFile(unversioned, 'utf8')));
  t.deepEqual(await store.head(), {
    ...next(7),
    hash: 'h',
    released: ['u'],
    at: 1_800_000_000_123,
  });
  await store.close();
});
