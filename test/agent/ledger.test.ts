import test from 'ava';
import fc from 'fast-check';
import { unexplained, type LedgerMoment } from '../../agent/ledger.ts';
import { formatLoss, joinLoss, lossOf } from '../../agent/loss.ts';
import { createSinkLedger } from '../../agent/sink-ledger.ts';
import { emptyLedger } from './helpers/memory-capture.ts';

interface Flow {
  readonly open: number;
  readonly lost: number;
  readonly inBatch: number;
  readonly accepted: number;
  readonly sampledOut: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly pending: number;
}

const flows = fc.record({
  open: fc.nat(1_000),
  lost: fc.nat(1_000),
  inBatch: fc.nat(1_000),
  accepted: fc.nat(1_000),
  sampledOut: fc.nat(1_000),
  rejected: fc.nat(1_000),
  dropped: fc.nat(1_000),
  pending: fc.nat(1_000),
});

const count = (spans: number) => ({ batches: 1, spans });

const momentOf = (flow: Flow): LedgerMoment => {
  const entered = flow.accepted + flow.rejected + flow.dropped + flow.pending;
  const spans = entered + flow.inBatch;
  return {
    capture: {
      ...emptyLedger,
      requests: {
        seen: spans + flow.sampledOut + flow.open + flow.lost,
        spans,
        sampledOut: flow.sampledOut,
        open: flow.open,
        lost: { hole: flow.lost },
      },
    },
    spansBeforeFlush: entered,
    sink: {
      entered: count(entered),
      accepted: count(flow.accepted),
      rejected: count(flow.rejected),
      lost: { spool_full: count(flow.dropped) },
      pending: count(flow.pending),
    },
  };
};

test('nothing is unexplained while every request and span has its place', (t) => {
  fc.assert(fc.property(flows, (flow) => unexplained(momentOf(flow)) === 0));
  t.pass();
});

test('a request, a span or a batch that vanishes is unexplained', (t) => {
  fc.assert(
    fc.property(flows, fc.integer({ min: 1, max: 50 }), (flow, gone) => {
      const moment = momentOf(flow);
      const { capture, sink } = moment;
      const requests = { ...capture.requests, seen: capture.requests.seen + gone };
      const accepted = { ...sink.accepted, spans: sink.accepted.spans - gone };
      t.is(unexplained({ ...moment, capture: { ...capture, requests } }), gone);
      t.is(unexplained({ ...moment, sink: { ...sink, accepted } }), gone);
      t.is(unexplained({ ...moment, spansBeforeFlush: sink.entered.spans + gone }), gone);
    }),
  );
});

test('losses are written sorted, without zeros, and empty when there are none', (t) => {
  t.is(formatLoss(joinLoss({ wire: { ring_full: 0 }, spans: {} })), '');
  t.is(
    formatLoss(joinLoss({ wire: { ring_full: 2 }, requests: { detached: 1, hole: 0 } })),
    'requests.detached=1,wire.ring_full=2',
  );
});

test('a loss is told wherever it happens, that of records of access logs among them', (t) => {
  const spans = createSinkLedger();
  spans.lose(true, 3, 'spool_full');
  spans.lose(false, 4, 'damaged');
  const capture = {
    ...emptyLedger,
    wire: { ...emptyLedger.wire, lost: { ring_full: 1 } },
    accessLog: { records: 9, lost: 2 },
    sockets: { ...emptyLedger.sockets, differ: { bypass: 6 } },
  };
  t.deepEqual(lossOf(capture, spans, { spool_full: 5, backlog: 1 }), {
    'inherited.damaged': 4,
    'records.backlog': 3,
    'records.spool_full': 5,
    'sockets.bypass': 6,
    'spans.spool_full': 3,
    'wire.ring_full': 1,
  });
});
