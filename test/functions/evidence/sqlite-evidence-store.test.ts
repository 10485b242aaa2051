import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { EvidenceCell, EvidenceReport } from '../../../knative/events.ts';
import type { EvidenceStore } from '../../../functions/evidence/evidence-store.ts';
import { createSqliteEvidenceStore } from '../../../functions/evidence/sqlite-evidence-store.ts';
import { holdToVersions, storedFile } from '../lib/stored-file.ts';
import { cellOf } from '../evaluate/helpers/cells.ts';

async function newFile(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clover-evidence-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return path.join(folder, 'evidence.db');
}

async function newStore(t: ExecutionContext): Promise<EvidenceStore> {
  const store = createSqliteEvidenceStore({ path: await newFile(t) });
  t.teardown(() => store.close());
  return store;
}

const reportOf = (
  sequence: number,
  watermarkMs: number,
  cells: readonly EvidenceCell[] = [],
): EvidenceReport => ({ sequence, watermarkMs, openTimeoutMs: 10_000, cells: [...cells] });

test('the newest sequence of a cell wins, whatever comes twice, late, or never', async (t) => {
  const counts = fc.record({
    source: fc.constantFrom('/nodes/a/1', '/nodes/a/2', '/nodes/b/1'),
    block: fc.integer({ min: 1_000, max: 1_003 }),
    arm: fc.constantFrom('control', 'variant'),
    sequence: fc.integer({ min: 1, max: 20 }),
    // When it arrives, and whether it arrives again.
    at: fc.nat(),
    again: fc.option(fc.nat(), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(counts, { maxLength: 40 }), async (sent) => {
      const store = createSqliteEvidenceStore({ path: ':memory:' });
      // Cumulative: what a cell holds follows from its sequence.
      const cells = sent.map(({ source, at, again, ...key }) => ({
        source,
        at,
        again,
        cell: cellOf({
          ...key,
          started: key.sequence * 3,
          done: key.sequence * 2,
          sumLog: -key.sequence,
          histogram: [[300 - key.sequence, 1]],
        }),
      }));
      const arriving = cells
        .flatMap((each) => [
          each,
          ...(each.again === undefined ? [] : [{ ...each, at: each.again }]),
        ])
        .sort((a, b) => a.at - b.at);
      for (const [index, { source, cell }] of arriving.entries()) {
        await store.merge(source, reportOf(index + 1, 0, [cell]), 1);
      }
      const newest = new Map<string, number>();
      for (const { source, cell } of cells) {
        const key = `${source} ${cell.block} ${cell.arm}`;
        newest.set(key, Math.max(newest.get(key) ?? 0, cell.sequence));
      }
      const expected = [...newest.values()].reduce((sum, value) => sum + value, 0);
      const merged = await store.cells('r');
      const sum = (pick: (cell: (typeof merged)[number]) => number): number =>
        merged.reduce((total, cell) => total + pick(cell), 0);
      await store.close();
      return (
        sum((cell) => cell.started) === 3 * expected &&
        sum((cell) => cell.done) === 2 * expected &&
        sum((cell) => cell.sumLog) === -expected &&
        merged.every(({ lowest, highest }) => lowest !== null && highest !== null)
      );
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('cells of a run come with the unstamped cells of its splitters, and with no others', async (t) => {
  const store = await newStore(t);
  const cells = [
    cellOf({ block: 10, started: 5 }),
    cellOf({ block: 10, run: '', arm: '', epoch: 0, started: 1 }),
    cellOf({ block: 9, run: '', arm: '', epoch: 0, started: 2 }),
    cellOf({ block: 10, run: '', arm: '', epoch: 0, started: 4, splitter: 'default/other' }),
    cellOf({ block: 10, run: '-', arm: 'v1', started: 8 }),
  ];
  await store.merge('/nodes/a/1', reportOf(1, 0, cells), 1);
  t.deepEqual(
    (await store.cells('r')).map(({ run, started }) => [run, started]),
    [
      ['', 1],
      ['r', 5],
    ],
  );
  t.is(
    (await store.totals({ from: 0, to: 1e12 })).reduce((sum, { started }) => sum + started, 0),
    20,
  );
});

test('a watermark counts once all earlier reports of its source are here or given up', async (t) => {
  const store = await newStore(t);
  t.is(await store.watermark(1_000, 15_000), undefined);
  await store.merge('/nodes/a/1', reportOf(1, 100), 1_000);
  await store.merge('/nodes/a/1', reportOf(3, 300), 2_000);
  t.is(await store.watermark(2_000, 15_000), 100);
  await store.merge('/nodes/a/1', reportOf(2, 200), 3_000);
  t.is(await store.watermark(3_000, 15_000), 300);
  await store.merge('/nodes/a/1', reportOf(5, 500), 4_000);
  t.is(await store.watermark(4_000, 15_000), 300);
  t.is(await store.watermark(9_500, 15_000), 500);
});

test('the slowest live source holds the watermark; a silent one stops doing so', async (t) => {
  const store = await newStore(t);
  await store.merge('/nodes/a/1', reportOf(1, 5_000), 5_000);
  await store.merge('/nodes/b/1', reportOf(1, 9_000), 9_000);
  t.is(await store.watermark(10_000, 15_000), 5_000);
  t.is(await store.watermark(21_000, 15_000), 9_000);
  t.is(await store.watermark(60_000, 15_000), undefined);
  t.is(await store.openTimeoutMs(), 10_000);
});

test('looks are appended once per number and survive a new opening of the file', async (t) => {
  const file = await newFile(t);
  const store = createSqliteEvidenceStore({ path: file });
  const look = { run: 'r', number: 1, previous: '0', hash: 'a', body: '{}' };
  t.true(await store.appendLook(look));
  t.false(await store.appendLook({ ...look, hash: 'b' }));
  t.true(await store.appendLook({ ...look, number: 2, previous: 'a', hash: 'c' }));
  await store.merge('/nodes/a/1', reportOf(1, 100, [cellOf({ started: 3 })]), 1);
  await store.close();

  const again = createSqliteEvidenceStore({ path: file });
  t.teardown(() => again.close());
  t.deepEqual(
    (await again.looks('r')).map(({ hash }) => hash),
    ['a', 'c'],
  );
  t.is((await again.lastLook('r'))?.number, 2);
  t.is((await again.cells('r'))[0]?.started, 3);
});

test('a report of hundreds of cells is merged whole in one transaction', async (t) => {
  const store = await newStore(t);
  const cells = Array.from({ length: 500 }, (_, index) =>
    cellOf({ block: index, started: 2, histogram: [[300, 1]] }),
  );
  const began = performance.now();
  await store.merge('/nodes/a/1', reportOf(1, 0, cells), 1);
  t.log(`500 cells in ${(performance.now() - began).toFixed(1)} ms`);
  t.is((await store.cells('r')).length, 500);
});

test('an agent is known by its newest start: when it was heard, how far it counts, and what it lost', async (t) => {
  const store = await newStore(t);
  t.deepEqual(await store.sources(0), []);
  await store.merge('/nodes/a/1', { ...reportOf(1, 500), loss: { 'wire.ring_full': 9 } }, 1_000);
  await store.merge('/nodes/a/2', { ...reportOf(1, 900), loss: { 'wire.ring_full': 2 } }, 2_000);
  await store.merge('/nodes/b/7', reportOf(1, 1_500), 3_000);
  // What comes late or twice says nothing new of the loss.
  await store.merge('/nodes/a/2', { ...reportOf(3, 950), loss: { 'spans.spool': 4 } }, 4_000);
  await store.merge('/nodes/a/2', { ...reportOf(2, 920), loss: { 'wire.ring_full': 3 } }, 4_500);
  t.deepEqual(await store.sources(0), [
    {
      node: 'a',
      source: '/nodes/a/2',
      heardAt: 4_500,
      watermarkMs: 950,
      missedReports: 0,
      loss: { 'spans.spool': 4 },
    },
    {
      node: 'b',
      source: '/nodes/b/7',
      heardAt: 3_000,
      watermarkMs: 1_500,
      missedReports: 0,
      loss: {},
    },
  ]);
  const since = (await store.sources(3_001)).map(({ node }) => node);
  t.deepEqual(since, ['a'], 'who is gone for a while is not there');
});

test('reports that were given up are counted, those from before the first one that came are not', async (t) => {
  const store = await newStore(t);
  const missed = async (): Promise<number | undefined> =>
    (await store.sources(0))[0]?.missedReports;
  await store.merge('/nodes/a/1', reportOf(40, 100), 1_000);
  await store.merge('/nodes/a/1', reportOf(41, 200), 7_000);
  t.is(await missed(), 0);
  await store.merge('/nodes/a/1', reportOf(44, 300), 8_000);
  t.is(await missed(), 0, 'they are still waited for');
  await store.watermark(13_001, 60_000);
  t.is(await missed(), 2);
  await store.merge('/nodes/a/1', reportOf(42, 210), 14_000);
  await store.merge('/nodes/a/1', reportOf(45, 400), 14_500);
  t.is(await missed(), 2);
});

test('what a source said of itself goes with it', async (t) => {
  const store = await newStore(t);
  await store.merge('/nodes/a/1', { ...reportOf(1, 500), loss: { 'wire.ring_full': 9 } }, 1_000);
  await store.prune({ runs: [], standingFrom: 2_000, endedFrom: 2_000 });
  t.deepEqual(await store.sources(0), []);
  await store.merge('/nodes/b/1', reportOf(1, 500), 3_000);
  t.deepEqual((await store.sources(0))[0]?.loss, {}, 'also when its number is given again');
});

test('a file of before files had versions is read, and one of a newer Clover is refused', async (t) => {
  const unversioned = new URL('fixtures/unversioned.sql', import.meta.url);
  await holdToVersions(t, unversioned, (file) => createSqliteEvidenceStore({ path: file }));
  const file = await storedFile(t, await readFile(unversioned, 'utf8'));
  const store = createSqliteEvidenceStore({ path: file });
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
