import fc from 'fast-check';
import { cellOf } from '../evaluate/helpers/cells.ts';
import { reportOf, restOf, type Declare, type OpenEvidence } from './harness.ts';
import { lookSuite } from './look-suite.ts';

/**
 * What every EvidenceStore has to do, wherever it keeps what it is given.
 * @param numRuns of each property.
 */
export function evidenceSuite(
  test: Declare,
  suite: string,
  open: OpenEvidence,
  numRuns: number,
): void {
  lookSuite(test, suite, open, numRuns);

  test(`${suite}: the newest sequence of a cell wins, whatever comes twice, late, or never`, async (t) => {
    const counts = fc.record({
      source: fc.constantFrom('/nodes/a/1', '/nodes/a/2', '/nodes/b/1'),
      block: fc.integer({ min: 1_000, max: 1_003 }),
      arm: fc.constantFrom('control', 'variant'),
      sequence: fc.integer({ min: 1, max: 20 }),
      // When it arrives, and whether it arrives again.
      at: fc.nat(),
      again: fc.option(fc.nat(), { nil: undefined }),
    });
    const { store } = await open(t);
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(counts, { maxLength: 40 }), async (sent) => {
        const run = `r${(runs += 1)}`;
        // Cumulative: what a cell holds follows from its sequence.
        const cells = sent.map(({ source, at, again, ...key }) => ({
          source,
          at,
          again,
          cell: cellOf({
            ...key,
            run,
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
        await Promise.all(
          arriving.map(({ source, cell }, index) =>
            store.merge(source, reportOf(index + 1, 0, [cell]), 1),
          ),
        );
        const newest = new Map<string, number>();
        for (const { source, cell } of cells) {
          const key = `${source} ${cell.block} ${cell.arm}`;
          newest.set(key, Math.max(newest.get(key) ?? 0, cell.sequence));
        }
        const expected = [...newest.values()].reduce((sum, value) => sum + value, 0);
        const merged = await store.cells(run);
        const sum = (pick: (cell: (typeof merged)[number]) => number): number =>
          merged.reduce((total, cell) => total + pick(cell), 0);
        return (
          sum((cell) => cell.started) === 3 * expected &&
          sum((cell) => cell.done) === 2 * expected &&
          sum((cell) => cell.sumLog) === -expected &&
          merged.every(({ lowest, highest }) => lowest !== null && highest !== null)
        );
      }),
      { numRuns },
    );
    t.pass();
  });

  test(`${suite}: cells of a run come with the unstamped cells of its splitters, and with no others`, async (t) => {
    const { store } = await open(t);
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

  test(`${suite}: a watermark counts once all earlier reports of its source are here or given up`, async (t) => {
    const { store } = await open(t);
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

  test(`${suite}: the slowest live source holds the watermark; a silent one stops doing so`, async (t) => {
    const { store } = await open(t);
    await store.merge('/nodes/a/1', reportOf(1, 5_000), 5_000);
    await store.merge('/nodes/b/1', reportOf(1, 9_000), 9_000);
    t.is(await store.watermark(10_000, 15_000), 5_000);
    t.is(await store.watermark(21_000, 15_000), 9_000);
    t.is(await store.watermark(60_000, 15_000), undefined);
    t.is(await store.openTimeoutMs(), 10_000);
  });

  test(`${suite}: a source that rests holds nothing back until its rest ends or it reports again`, async (t) => {
    const { store, at } = await open(t);
    const watermark = (now: number): Promise<number | undefined> => {
      at(now);
      return store.watermark(now, 15_000);
    };
    await store.merge('/nodes/a/1', restOf(1, 1_000_000), 1_000_000);
    await store.merge('/nodes/b/1', reportOf(1, 999_000), 1_000_500);
    t.is(await watermark(1_010_000), 999_000, 'only what reports counts');
    t.is(await watermark(1_100_000), 1_095_000, 'all that is left rests');
    t.is(await watermark(1_360_000), 1_355_000);
    t.is(await watermark(1_360_001), undefined, 'a rest that was not renewed is silence');
    await store.merge('/nodes/a/1', restOf(2, 1_400_000), 1_400_000);
    t.is(await watermark(1_400_000), 1_395_000);
    await store.merge('/nodes/a/1', reportOf(3, 1_450_000), 1_450_500);
    t.is(await watermark(1_451_000), 1_450_000);
    t.is(await watermark(1_466_000), undefined, 'who fell silent did not say that it rests');
  });

  test(`${suite}: whether a source rests its newest report says, whatever comes twice, late, or never`, async (t) => {
    const { store } = await open(t);
    const resting = async (): Promise<boolean | undefined> => (await store.sources(0))[0]?.resting;
    await store.merge('/nodes/a/1', reportOf(1, 1_000), 1_000);
    t.false(await resting());
    await store.merge('/nodes/a/1', restOf(3, 3_000), 3_000);
    t.true(await resting());
    await store.merge('/nodes/a/1', reportOf(1, 1_000), 3_500);
    await store.merge('/nodes/a/1', reportOf(2, 2_000), 3_600);
    t.true(await resting());
    await store.merge('/nodes/a/1', reportOf(5, 5_000), 5_000);
    t.false(await resting());
    t.is(await store.watermark(5_000, 15_000), 3_000, 'what it said before is waited for');
    await store.merge('/nodes/a/1', restOf(4, 4_000), 5_500);
    t.false(await resting());
    t.is(await store.watermark(5_500, 15_000), 5_000);
  });

  test(`${suite}: what nobody needs any more goes: cells of ended runs, standing traffic, silent sources`, async (t) => {
    const { store, at } = await open(t);
    const cells = [
      cellOf({ run: 'ended', block: 10, started: 1 }),
      cellOf({ run: 'ended', block: 40, started: 2 }),
      cellOf({ run: 'active', block: 10, started: 4 }),
      cellOf({ run: '-', block: 20, started: 8 }),
      cellOf({ run: '', arm: '', epoch: 0, block: 30, started: 16 }),
    ];
    await store.merge('/nodes/a/1', reportOf(1, 1_000), 9_000);
    await store.merge('/nodes/a/1', reportOf(2, 45_000, cells), 10_000);
    await store.merge('/nodes/b/1', reportOf(1, 5), 10_000);
    await store.merge('/nodes/c/1', reportOf(1, 5), 50_000);
    at(4_000_000);
    await store.prune({ runs: ['active'], standingFrom: 30_000, endedFrom: 40_000 });
    const left = await store.totals({ from: 0, to: 1e9 });
    t.is(
      left.reduce((sum, { started }) => sum + started, 0),
      2 + 4 + 16,
    );
    t.deepEqual(
      (await store.sources(0)).map(({ node }) => node),
      ['c', 'a'],
      'who left a cell is known as long as that',
    );
    t.true((await store.cells('active')).every(({ sealed }) => sealed));
    t.is(await store.openTimeoutMs(), 10_000);
    t.is(await store.heardAt(), 50_000);
  });

  test(`${suite}: a source that fell silent has sealed what it had whole, and no more`, async (t) => {
    const { store, at } = await open(t);
    const cells = [10, 11, 12].map((block) => cellOf({ block, started: block }));
    await store.merge('/nodes/a/1', reportOf(1, 11_500, cells), 12_000);
    await store.merge('/nodes/b/1', reportOf(1, 13_000, cells), 13_000);
    at(60_000);
    t.deepEqual(
      (await store.cells('r')).map(({ block, started, sealed }) => [block, started, sealed]),
      [
        [10, 20, true],
        [11, 11, false],
        [11, 11, true],
        [12, 12, false],
        [12, 12, true],
      ],
    );
  });

  test(`${suite}: a report of hundreds of cells is merged whole in one transaction`, async (t) => {
    const { store } = await open(t);
    const cells = Array.from({ length: 500 }, (_, index) =>
      cellOf({ block: index, started: 2, histogram: [[300, 1]] }),
    );
    const began = performance.now();
    await store.merge('/nodes/a/1', reportOf(1, 0, cells), 1);
    t.log(`500 cells in ${(performance.now() - began).toFixed(1)} ms`);
    t.is((await store.cells('r')).length, 500);
  });

  test(`${suite}: an agent is known by its newest start: when it was heard, how far it counts, and what it lost`, async (t) => {
    const { store } = await open(t);
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
        resting: false,
        missedReports: 0,
        loss: { 'spans.spool': 4 },
        taps: [],
      },
      {
        node: 'b',
        source: '/nodes/b/7',
        heardAt: 3_000,
        watermarkMs: 1_500,
        resting: false,
        missedReports: 0,
        loss: {},
        taps: [],
      },
    ]);
    const since = (await store.sources(3_001)).map(({ node }) => node);
    t.deepEqual(since, ['a'], 'who is gone for a while is not there');
  });

  test(`${suite}: of Taps counts what the newest report of an agent says`, async (t) => {
    const { store } = await open(t);
    const web = { namespace: 'shop', name: 'web', selected: 2, traced: 1 };
    const said = async () => (await store.sources(0)).map(({ node, taps }) => [node, taps]);
    await store.merge('/nodes/a/1', { ...reportOf(1, 500), taps: [web] }, 1_000);
    t.deepEqual(await said(), [['a', [web]]]);
    const all = { ...web, traced: 2 };
    await store.merge('/nodes/a/1', { ...reportOf(3, 700), taps: [all] }, 3_000);
    await store.merge('/nodes/a/1', { ...reportOf(2, 600), taps: [web] }, 3_500);
    t.deepEqual(await said(), [['a', [all]]]);
    await store.merge('/nodes/a/1', reportOf(4, 800), 4_000);
    t.deepEqual(await said(), [['a', []]]);
  });

  test(`${suite}: reports that were given up are counted, those from before the first one that came are not`, async (t) => {
    const { store, at } = await open(t);
    const missed = async (now: number): Promise<number | undefined> => {
      at(now);
      return (await store.sources(0))[0]?.missedReports;
    };
    await store.merge('/nodes/a/1', reportOf(40, 100), 1_000);
    await store.merge('/nodes/a/1', reportOf(41, 200), 7_000);
    t.is(await missed(7_000), 0);
    await store.merge('/nodes/a/1', reportOf(44, 300), 8_000);
    t.is(await missed(8_000), 0, 'they are still waited for');
    await store.watermark(13_001, 60_000);
    t.is(await missed(13_001), 2);
    await store.merge('/nodes/a/1', reportOf(42, 210), 14_000);
    await store.merge('/nodes/a/1', reportOf(45, 400), 14_500);
    t.is(await missed(14_500), 2);
  });

  test(`${suite}: what a source said of itself goes with it`, async (t) => {
    const { store } = await open(t);
    await store.merge('/nodes/a/1', { ...reportOf(1, 500), loss: { 'wire.ring_full': 9 } }, 1_000);
    await store.prune({ runs: [], standingFrom: 2_000, endedFrom: 2_000 });
    t.deepEqual(await store.sources(0), []);
    await store.merge('/nodes/b/1', reportOf(1, 500), 3_000);
    t.deepEqual((await store.sources(0))[0]?.loss, {}, 'also when its number is given again');
  });
}
