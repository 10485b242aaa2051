import test from 'ava';
import { pino } from 'pino';
import { createEvidenceReporter, packCells } from '../../agent/evidence.ts';
import {
  evidenceReport,
  type EvidenceCell,
  type EvidenceReport,
  type TapReport,
} from '../../knative/events.ts';
import { cellOf } from '../functions/evaluate/helpers/cells.ts';
import { createMemoryCapture } from './helpers/memory-capture.ts';
import { eventually, makeBed } from './helpers/test-agent.ts';

test('a watermark that lags is reported each second also when no cell changed', async (t) => {
  const bed = await makeBed(t);
  const { agent, capture } = await bed.start();
  capture.setWatermark(5_000);
  await eventually('two reports', () => bed.plane.reports().length >= 2);
  const last = bed.plane.reports().at(-1);
  t.deepEqual(last?.cells, []);
  t.is(last?.watermarkMs, 5_000);
  t.is(last?.openTimeoutMs, 10_000);
  t.deepEqual(
    bed.plane.reports().map((report) => report.sequence),
    bed.plane.reports().map((_report, index) => index + 1),
  );
  const request = bed.plane.received.find(({ path }) => path === '/broker');
  t.is(request?.headers['ce-type'], 'dev.clover.evidence.reported.v1');
  t.is(request?.headers['ce-id'], `${agent.source.split('/')[3]}-e1`);
});

test('a report says what was lost since the start', async (t) => {
  const bed = await makeBed(t);
  const { capture } = await bed.start();
  await eventually('a first report', () => bed.plane.reports().length > 0);
  t.deepEqual(bed.plane.reports()[0]?.loss, {});
  capture.begin(3);
  capture.detach(1);
  await eventually('the loss', () => bed.plane.reports().at(-1)?.loss?.['requests.detached'] === 3);
  t.pass();
});

test('evidence that was not accepted comes again with its newest values', async (t) => {
  const bed = await makeBed(t);
  let refusing = true;
  bed.plane.answer('/broker', () => ({ status: refusing ? 503 : 202 }));
  const { capture } = await bed.start();
  capture.setCell(100, 1);
  capture.setCell(101, 5);
  const attempts = (): number => bed.plane.received.filter(({ path }) => path === '/broker').length;
  await eventually('two refusals', () => attempts() >= 2);
  t.deepEqual(bed.plane.reports(), []);
  capture.setCell(100, 2);
  refusing = false;
  await eventually('acceptance', () => bed.plane.reports().some((one) => one.cells.length > 0));
  const first = bed.plane.reports().find((one) => one.cells.length > 0);
  t.deepEqual(
    first?.cells.map(({ block, started }) => [block, started]),
    [
      [101, 5],
      [100, 2],
    ],
  );
  await eventually('a report without them', () => bed.plane.reports().at(-1)?.cells.length === 0);
});

test('a long report is split, and only its last part moves the watermark', async (t) => {
  const bed = await makeBed(t);
  const { capture } = await bed.start();
  await eventually('a first report', () => bed.plane.reports().length > 0);
  for (let block = 0; block < 25_000; block += 1) capture.setCell(block, 1);
  capture.setWatermark(9_000);
  const cellsOf = (): number =>
    bed.plane.reports().reduce((count, report) => count + report.cells.length, 0);
  await eventually('every cell', () => cellsOf() >= 25_000);
  t.is(cellsOf(), 25_000);
  const filled = bed.plane.reports().filter((report) => report.cells.length > 0);
  t.true(filled.length > 2);
  t.deepEqual(
    filled.map((report) => report.watermarkMs),
    filled.map((_report, index) => (index === filled.length - 1 ? 9_000 : 0)),
  );
  const longest = bed.plane.received
    .filter(({ path }) => path === '/broker')
    .reduce((size, { body }) => Math.max(size, body.length), 0);
  t.true(longest <= 256 * 1024);
});

/** A reporter by itself, on a clock of its own. */
function reporterAt(start: number) {
  const bodies: EvidenceReport[] = [];
  const taps: TapReport[] = [];
  const bed = { now: start, owns: true, status: 202, loss: {}, taps, bodies };
  const capture = createMemoryCapture({ boot: 'b', onBatch: () => undefined });
  const reporter = createEvidenceReporter({
    capture,
    http: {
      async request({ body }) {
        const report = evidenceReport.parse(JSON.parse(String(body)));
        if (bed.status === 202) bodies.push(report);
        return { status: bed.status, retryAfterMs: undefined, body: Buffer.alloc(0) };
      },
      close: () => undefined,
    },
    extensions: {},
    boot: 'b',
    source: '/nodes/n/b',
    openTimeoutMs: 10_000,
    loss: () => bed.loss,
    taps: () => bed.taps,
    now: () => bed.now,
    owns: () => bed.owns,
    log: pino({ level: 'silent' }),
  });
  /** As many seconds pass, with nothing open; what was reported in them. */
  const pass = async (seconds: number): Promise<readonly EvidenceReport[]> => {
    const before = bodies.length;
    for (let second = 0; second < seconds; second += 1) {
      capture.setWatermark(bed.now);
      await reporter.report();
      bed.now += 1_000;
    }
    return bodies.slice(before);
  };
  return { bed, capture, reporter, pass };
}

test('where nothing changes one last report says so, and no other comes until something does', async (t) => {
  const { bed, capture, pass } = reporterAt(1_200_000_000);
  const first = await pass(60);
  t.is(first.length, 31);
  t.deepEqual(
    first.map(({ resting }) => resting),
    [...Array.from({ length: 30 }, () => false), true],
  );
  t.is(first.at(-1)?.watermarkMs, 1_200_030_000);
  capture.setCell(1_200_060, 1);
  const [woken] = await pass(1);
  t.like(woken, { resting: false, sequence: 32 });
  t.is(woken?.cells.length, 1);
  t.is((await pass(60)).length, 30);
  bed.loss = { 'wire.ring_full': 1 };
  t.like(await pass(1), [{ resting: false, loss: { 'wire.ring_full': 1 } }]);
});

test('each report tells of the Taps that select pods, and a change of them ends a rest', async (t) => {
  const { bed, pass } = reporterAt(1_200_000_000);
  const web = { namespace: 'shop', name: 'web', selected: 2, traced: 1 };
  bed.taps = [web];
  const reports = await pass(60);
  t.is(reports.length, 31);
  for (const { taps } of reports) t.deepEqual(taps, [web]);
  bed.taps = [{ ...web, traced: 2 }];
  t.like(await pass(1), [{ resting: false, taps: [{ ...web, traced: 2 }] }]);
  bed.taps = [];
  t.like(await pass(1), [{ resting: false, taps: [] }]);
  bed.taps = Array.from({ length: 1_000 }, (_, each) => ({ ...web, name: `tap-${each}` }));
  t.is((await pass(1))[0]?.taps?.length, 256, 'more would not be an event any more');
});

test('a rest is said again each five minutes of the clock, until it is accepted', async (t) => {
  const { bed, pass } = reporterAt(1_200_000_000);
  await pass(299);
  bed.status = 503;
  t.deepEqual(await pass(11), []);
  bed.status = 202;
  const renewed = await pass(200);
  t.deepEqual(
    renewed.map(({ resting, watermarkMs }) => [resting, watermarkMs]),
    [[true, 1_200_310_000]],
  );
  t.deepEqual(
    (await pass(300)).map(({ watermarkMs }) => watermarkMs),
    [1_200_600_000],
  );
});

test('an agent does not rest while something is open, or others count', async (t) => {
  const { bed, capture, reporter, pass } = reporterAt(1_200_000_000);
  await pass(60);
  capture.setWatermark(bed.now - 5_001);
  await reporter.report();
  t.like(bed.bodies.at(-1), { resting: false });
  t.like(await pass(10), [{ resting: true }]);
  bed.owns = false;
  t.is((await pass(100)).length, 100, 'it is to take over, or was taken over from');
  bed.owns = true;
  t.is((await pass(100)).length, 30);
});

test('an agent that counted a run of late reports on', async (t) => {
  const { capture, pass } = reporterAt(1_200_000_000);
  capture.setCell(1_200_000, 1, 'shift-1');
  t.is((await pass(400)).length, 301);
});

test('the last report of an agent says of no rest', async (t) => {
  const { bed, reporter, pass } = reporterAt(1_200_000_000);
  await pass(60);
  await reporter.end();
  t.like(bed.bodies.at(-1), { resting: false, sequence: 32 });
});

const cell = (arm: string): EvidenceCell => cellOf({ arm });

test('packing keeps every cell once and a cell that is too long goes alone', (t) => {
  t.deepEqual(packCells([], 10), ['']);
  t.is(packCells([cell('a'), cell('b')], 10).length, 2);
  t.is(packCells([cell('a'), cell('b')], 10_000).length, 1);
});
