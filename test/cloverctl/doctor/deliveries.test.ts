import test from 'ava';
import { deliveries, judgeDeliveries } from '../../../cloverctl/doctor/deliveries.ts';
import { bucketsOf, wellDelivered } from './well-delivered.ts';

const judged = (told: object): string[] =>
  judgeDeliveries('n1', deliveries.parse({ ...wellDelivered, ...told })).map(
    ({ state, check, found }) => `${state} ${check}: ${found}`,
  );
const wellKnown = [
  'good from n1 to ingest: 7 spans taken',
  'good evidence of n1: the last report was taken',
];

test('all that was sent was taken', (t) => {
  t.deepEqual(judged({}), wellKnown);
});

test('what ingest does not take waits, or is lost, and that is told by cause', (t) => {
  const sink = {
    ...bucketsOf(0),
    rejected: { batches: 1, spans: 5 },
    lost: { spool_full: { batches: 50, spans: 60_000 } },
    pending: { batches: 30, spans: 40_000 },
  };
  const inherited = { ...bucketsOf(2), lost: { spool_full: { batches: 1, spans: 1 } } };
  t.is(
    judged({ sink, inherited })[0],
    'doubtful from n1 to ingest: 2 spans taken; 40000 wait; lost: rejected 5, spool_full 60001',
  );
});

test('what ingest says to spans that wait is told', (t) => {
  const sink = { ...bucketsOf(7), pending: { batches: 30, spans: 900 } };
  const ingestRefusal = 'status 401 {"code":"CLV_UNAUTHORIZED"}';
  t.is(
    judged({ sink, ingestRefusal })[0],
    'doubtful from n1 to ingest: 7 spans taken; 900 wait (status 401 {"code":"CLV_UNAUTHORIZED"})',
  );
  t.deepEqual(judged({ ingestRefusal }), wellKnown, 'it may be over');
});

test('what is on its way does not wait', (t) => {
  const sink = { ...bucketsOf(7), pending: { batches: 2, spans: 900 } };
  t.deepEqual(judged({ sink }), wellKnown);
});

test('each sink of Taps is told of, and one that nobody knows', (t) => {
  const jaeger = { ...bucketsOf(1), lost: { backlog: { batches: 1, spans: 3 } } };
  const rest = { inherited: bucketsOf(4), spoolBytes: 0 };
  const byName = { jaeger: { ...jaeger, ...rest }, 'loki.logs': { ...bucketsOf(2), ...rest } };
  t.deepEqual(judged({ sinks: { byName, unknown: ['tempo'], removed: {} } }).slice(1, 4), [
    'doubtful from n1 to jaeger: 5 spans taken; lost: backlog 3',
    'good from n1 to loki.logs: 6 records taken',
    'doubtful from n1 to tempo: a Tap names this sink, and the agent knows none of the name',
  ]);
});

test('evidence that is not taken is bad', (t) => {
  t.is(
    judged({ evidence: { failing: true } })[1],
    'bad evidence of n1: the last report was not taken, and no Experiment is judged by what this node sees',
  );
});
