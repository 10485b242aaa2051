import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSqliteEvidenceStore } from '../../../functions/evidence/sqlite-evidence-store.ts';
import { holdToVersions, storedFile } from '../lib/stored-file.ts';
import { evidenceSuite } from './evidence-suite.ts';
import { reportOf } from './harness.ts';

async function newFile(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clover-evidence-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return path.join(folder, 'evidence.db');
}

evidenceSuite(
  test,
  'sqlite',
  async (t) => {
    const file = await newFile(t);
    const another = async () => {
      const store = createSqliteEvidenceStore({ path: file });
      t.teardown(() => store.close());
      return store;
    };
    return { store: await another(), at: () => undefined, another };
  },
  60,
);

const open = (file: string) => createSqliteEvidenceStore({ path: file });

test('a file of before files had versions is read, and one of a newer Clover is refused', async (t) => {
  const unversioned = new URL('fixtures/unversioned.sql', import.meta.url);
  await holdToVersions(t, unversioned, open, [
    { source_health: { resting: 0 } },
    { source_health: { taps: '[]' } },
  ]);
  const file = await storedFile(t, await readFile(unversioned, 'utf8'));
  const store = open(file);
  t.deepEqual(
    (await store.totals({ from: 0, to: 10_000 })).map(({ run, arm, block }) => [run, arm, block]),
    [
      ['r', 'control', 1],
      ['r', 'control', 2],
    ],
  );
  t.is((await store.lastLook('r'))?.hash, 'h');
  // The report in the middle comes, and the early one counts.
  await store.merge('/nodes/a/1', reportOf(2, 3_000), 6_000);
  t.is((await store.sources(0))[0]?.watermarkMs, 4_000);
  await store.close();
});
