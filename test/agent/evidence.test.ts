import test from 'ava';
import { packCells } from '../../agent/evidence.ts';
import type { EvidenceCell } from '../../knative/events.ts';
import { cellOf } from '../functions/evaluate/helpers/cells.ts';
import { eventually, makeBed } from './helpers/test-agent.ts';

test('the watermark is reported each second also when no cell changed', async (t) => {
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

const cell = (arm: string): EvidenceCell => cellOf({ arm });

test('packing keeps every cell once and a cell that is too long goes alone', (t) => {
  t.deepEqual(packCells([], 10), ['']);
  t.is(packCells([cell('a'), cell('b')], 10).length, 2);
  t.is(packCells([cell('a'), cell('b')], 10_000).length, 1);
});
