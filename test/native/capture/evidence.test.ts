import test from 'ava';
import fc from 'fast-check';

import type { EvidenceCell } from '../../../knative/events.ts';
import { type Exchange, gapsOf, play, segmentsOf, startNs, startReplay } from './conversation.ts';
import { flag, type TcpSegment } from './frames.ts';

const second = 1_000_000_000n;
const base = (startNs / second) * second;

/** One request at the gateway; times are ns after `base`. */
interface Call {
  readonly at: bigint;
  readonly tookNs: bigint;
  readonly status: number;
  readonly arm: string;
}

const call: fc.Arbitrary<Call> = fc.record({
  at: fc.bigInt({ min: 0n, max: 4n * second }),
  tookNs: fc.bigInt({ min: 1n, max: 9n * second }),
  status: fc.constantFrom(200, 404, 500, 503),
  arm: fc.constantFrom('run-a.1.control', 'run-a.1.variant', '-.3.v1', 'no stamp', ''),
});

const head = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);

const traceId = (index: number): string => (index + 1).toString(16).padStart(32, '0');

function exchangeOf({ status, arm }: Call, index: number): Exchange {
  return {
    request: head([
      `GET /${index} HTTP/1.1`,
      'Host: a',
      `traceparent: 00-${traceId(index)}-00000000000000aa-01`,
    ]),
    response: head([
      `HTTP/1.1 ${status} X`,
      'Content-Length: 0',
      ...(arm === '' ? [] : [`x-clover-arm: ${arm}`]),
    ]),
    method: 'GET',
    path: `/${index}`,
    status,
    requestBytes: 0,
    responseBytes: 0,
  };
}

/** A connection of its own for each call. */
function segmentsOfCall(one: Call, index: number): TcpSegment[] {
  const timeNs = base + one.at;
  return segmentsOf([[exchangeOf(one, index)]], {
    clientIsn: 1,
    serverIsn: 1,
    cuts: [100_000],
    peerPort: 10_000 + index,
    stepNs: 0n,
    timeNs,
  }).map((segment, place) =>
    place < 3 ? segment : Object.assign({}, segment, { timeNs: timeNs + one.tookNs }),
  );
}

/** What the cells have to be, in the most direct way. */
function model(calls: readonly Call[]): Map<string, EvidenceCell> {
  const cells = new Map<string, EvidenceCell>();
  if (!calls.some(({ arm }) => arm.includes('.'))) return cells;
  for (const { at, tookNs, status, arm: stamp } of calls) {
    const [run = '', epoch = '0', arm = ''] = stamp.includes('.') ? stamp.split('.') : [];
    const block = Number((base + at) / second);
    const key = `${run}.${epoch}.${arm}@${block}`;
    const old = cells.get(key);
    const bucket = Math.floor(Math.log2(Number(tookNs)) * 16);
    const log = Math.log(Number(tookNs) / 1e9);
    const histogram = new Map(old?.histogram);
    histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1);
    cells.set(key, {
      splitter: 'shop/cart-1',
      run,
      epoch: Number(epoch),
      arm,
      block,
      sequence: 0,
      started: (old?.started ?? 0) + 1,
      done: (old?.done ?? 0) + 1,
      errors: (old?.errors ?? 0) + (status >= 500 ? 1 : 0),
      stuck: 0,
      sumLog: (old?.sumLog ?? 0) + log,
      sumLogSq: (old?.sumLogSq ?? 0) + log * log,
      histogram: [...histogram].sort(([a], [b]) => a - b),
    });
  }
  return cells;
}

const rounded = (cell: EvidenceCell): EvidenceCell => ({
  ...cell,
  sequence: 0,
  sumLog: Number(cell.sumLog.toFixed(6)),
  sumLogSq: Number(cell.sumLogSq.toFixed(6)),
});

const keyOf = ({ run, epoch, arm, block }: EvidenceCell): string =>
  `${run}.${epoch}.${arm}@${block}`;

test('cells equal a direct count of the requests', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 25 }), async (calls) => {
      const { replay } = startReplay({ openTimeoutMs: 60_000 });
      const segments = calls
        .flatMap(segmentsOfCall)
        .map((segment, index) => ({ segment, index }))
        .sort((a, b) => Number(a.segment.timeNs - b.segment.timeNs) || a.index - b.index)
        .map(({ segment }) => segment);
      play(replay, segments);
      const cells = replay
        .evidence(0)
        .cells.filter(({ started }) => started > 0)
        .map((cell): [string, EvidenceCell] => [keyOf(cell), rounded(cell)]);
      const expected = [...model(calls)].map(([key, cell]): [string, EvidenceCell] => [
        key,
        rounded(cell),
      ]);
      t.deepEqual(Object.fromEntries(cells), Object.fromEntries(expected));
      t.deepEqual(gapsOf(replay.ledger()), []);
      await replay.close();
    }),
    { numRuns: 100 },
  );
});

const stamped: Call = { at: 0n, tookNs: 1000n, status: 200, arm: 'run-a.1.control' };

test('a pod that never shows a stamp has no evidence', async (t) => {
  const { replay } = startReplay();
  play(replay, segmentsOfCall({ ...stamped, arm: '' }, 0));
  t.deepEqual(replay.evidence(0).cells, []);
  await replay.close();
});

test('only cells that changed since the revision are given', async (t) => {
  const { replay } = startReplay();
  play(replay, segmentsOfCall(stamped, 0));
  const first = replay.evidence(0);
  t.is(first.cells.length, 2, 'the arm, and the emptied cell without a stamp');
  t.deepEqual(replay.evidence(first.revision).cells, []);
  play(replay, segmentsOfCall({ ...stamped, at: second }, 1));
  const next = replay.evidence(first.revision);
  t.deepEqual(
    next.cells.map(({ block }) => block),
    [Number(base / second) + 1, Number(base / second) + 1],
  );
  t.true(next.revision > first.revision);
  await replay.close();
});

test('the request that the pod sends on names the arm of one that is still open', async (t) => {
  const { replay } = startReplay();
  play(replay, segmentsOfCall(stamped, 0));
  const open = segmentsOfCall({ ...stamped, at: second }, 1).slice(0, 3);
  play(replay, open);
  const forwarded = exchangeOf(stamped, 1);
  const behind = segmentsOf(
    [
      [
        {
          ...forwarded,
          request: head([
            'GET /1 HTTP/1.1',
            'Host: b',
            `traceparent: 00-${traceId(1)}-00000000000000bb-01`,
            'x-clover-arm: run-a.1.variant',
          ]),
        },
      ],
    ],
    { clientIsn: 1, serverIsn: 1, cuts: [1000], podServes: false, timeNs: base + second + 10n },
  ).slice(0, 3);
  play(replay, behind);
  const cells = replay
    .evidence(0)
    .cells.filter(({ block, started }) => block === Number(base / second) + 1 && started > 0);
  t.deepEqual(
    cells.map(({ arm, started: count, done }) => ({ arm, count, done })),
    [{ arm: 'variant', count: 1, done: 0 }],
  );
  await replay.close();
});

test('of two open requests of one trace the one whose parent is passed on gets the arm', async (t) => {
  const { replay } = startReplay();
  play(replay, segmentsOfCall(stamped, 0));
  const send = (parent: string, at: bigint, podServes: boolean, stamp: readonly string[]): void => {
    const traceparent = `traceparent: 00-${traceId(1)}-${parent}-01`;
    const request = head(['GET /1 HTTP/1.1', 'Host: a', traceparent, ...stamp]);
    const wire = {
      clientIsn: 1,
      serverIsn: 1,
      cuts: [1000],
      peerPort: 20_000 + Number(at / second),
    };
    const one = { ...exchangeOf(stamped, 1), request };
    play(replay, segmentsOf([[one]], { ...wire, podServes, timeNs: base + at }).slice(0, 3));
  };
  send('00000000000000aa', second, true, []);
  send('00000000000000cc', 2n * second, true, []);
  send('00000000000000cc', 3n * second, false, ['x-clover-arm: run-a.1.variant']);
  const cells = replay
    .evidence(0)
    .cells.filter(({ block, started }) => block > Number(base / second) && started > 0);
  const arms = Object.fromEntries(
    cells.map(({ arm, block }) => [block - Number(base / second), arm]),
  );
  t.deepEqual(arms, { 1: '', 2: 'variant' });
  await replay.close();
});

test('an open request holds the watermark until it counts as stuck, and may still end', async (t) => {
  const { replay } = startReplay({ openTimeoutMs: 10_000 });
  play(replay, segmentsOfCall(stamped, 0));
  const slow = segmentsOfCall({ ...stamped, at: second, tookNs: 15n * second }, 1);
  play(replay, slow.slice(0, 3));
  replay.advance(base + 9n * second);
  t.is(replay.evidence(0).watermarkMs, Number((base + second) / 1_000_000n));
  const counts = (): number[][] =>
    replay
      .evidence(0)
      .cells.filter(({ block, started }) => block === Number(base / second) + 1 && started > 0)
      .map(({ started, done, stuck }) => [started, done, stuck]);
  t.deepEqual(counts(), [[1, 0, 0]]);
  replay.advance(base + 12n * second);
  t.is(replay.evidence(0).watermarkMs, Number((base + 12n * second) / 1_000_000n));
  t.deepEqual(counts(), [[1, 0, 1]]);
  play(replay, slow.slice(3));
  t.deepEqual(counts(), [[1, 1, 0]]);
  await replay.close();
});

test('a request that dies with its connection counts as done with an error', async (t) => {
  const { replay } = startReplay();
  play(replay, segmentsOfCall(stamped, 0));
  const segments = segmentsOfCall({ ...stamped, at: second }, 1);
  const [, , request] = segments;
  if (request === undefined) throw new Error('no request');
  const reset = { ...request, toPod: false, seq: 2, flags: flag.rst, payload: Buffer.alloc(0) };
  play(replay, [...segments.slice(0, 3), reset]);
  replay.advance(base + 5n * second);
  const failed = replay
    .evidence(0)
    .cells.filter(({ block }) => block === Number(base / second) + 1);
  t.deepEqual(
    failed.map(({ started, done, errors, arm }) => ({ started, done, errors, arm })),
    [{ started: 1, done: 1, errors: 1, arm: '' }],
  );
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('old cells that were acknowledged are forgotten', async (t) => {
  const { replay } = startReplay();
  play(replay, segmentsOfCall(stamped, 0));
  const { revision } = replay.evidence(0);
  replay.advance(base + 1000n * second);
  t.is(replay.evidence(0).cells.length, 2, 'not acknowledged yet');
  replay.evidence(revision);
  t.deepEqual(replay.evidence(0).cells, []);
  await replay.close();
});
