import test from 'ava';
import type { DemoReport, ExperimentReport } from '../../../cloverctl/demo/report.ts';
import { describeLetter, renderCluster, reportClusterDemo, type ClusterFacts } from './report.ts';

const experiment = { samples: { control: 1, variant: 1 }, effect: null } as const;
const seconds = { faultToVerdictSeconds: null, verdictToLastBadRequestSeconds: null } as const;
const experiments: readonly ExperimentReport[] = [
  { ...experiment, ...seconds, name: 'shift', verdict: 'PASS', phase: 'Succeeded' },
  { ...experiment, ...seconds, name: 'drill', verdict: 'FAIL', phase: 'RolledBack' },
];
const right: DemoReport = {
  ok: true,
  experiments,
  ledger: { versions: [], unattributed: 0, unexplained: 0 },
};
const facts: ClusterFacts = {
  woken: ['evaluate', 'ingest', 'notify', 'policy'],
  watched: { shift: 'PASS', drill: 'FAIL' },
  deadLetters: [],
};

test('a story that is right is ok if events and agents have woken what is there for them, and none became a dead letter', (t) => {
  t.deepEqual(reportClusterDemo(right, facts), { ...right, ...facts, ok: true });
  for (const name of facts.woken) {
    const woken = [...facts.woken.filter((each) => each !== name), 'api'];
    t.false(reportClusterDemo(right, { ...facts, woken }).ok, name);
  }
  t.false(reportClusterDemo(right, { ...facts, deadLetters: ['one'] }).ok);
  t.false(reportClusterDemo({ ...right, ok: false }, facts).ok);
});

test('a story is not ok while kubectl has not printed each of its verdicts', (t) => {
  for (const watched of [
    {},
    { shift: 'PASS' },
    { drill: 'FAIL' },
    { shift: 'FAIL', drill: 'PASS' },
  ] as const) {
    t.false(reportClusterDemo(right, { ...facts, watched }).ok);
  }
});

test('the table says what has woken whom, and what is not as it has to be', (t) => {
  t.deepEqual(
    renderCluster({
      woken: ['api', 'ingest', 'policy'],
      watched: {},
      deadLetters: ['one', 'other'],
    }),
    [
      'FUNCTION                         WOKEN FROM ZERO BY',
      'api                                        requests',
      'evaluate  NOTHING, and events of the Broker have to',
      'ingest                                       agents',
      'notify    NOTHING, and events of the Broker have to',
      'policy                         events of the Broker',
      'kubectl get experiments -w: NO VERDICT',
      'dead letters: 2, and there may be none',
      '  one',
      '  other',
    ],
  );
  t.deepEqual(renderCluster(facts).slice(-2), [
    'kubectl get experiments -w: shift PASS, drill FAIL',
    'dead letters: 0',
  ]);
  t.regex(renderCluster(facts)[1] ?? '', /^api +nothing$/);
});

test('a dead letter is told with who did not take it, and the answer', (t) => {
  const attributes = {
    type: 'dev.knative.apiserver.resource.update',
    subject: '/apis/clover.dev/v1/namespaces/sdc/experiments/shift',
    knativeerrordest: 'http://evaluate.clover-system/',
    knativeerrorcode: '503',
    knativeerrordata: Buffer.from('later').toString('base64'),
  };
  t.is(
    describeLetter(attributes),
    'dev.knative.apiserver.resource.update of /apis/clover.dev/v1/namespaces/sdc/experiments/shift, not taken by http://evaluate.clover-system/: 503 later',
  );
  t.is(describeLetter({ type: 'any', id: '7' }), 'any of nothing, with {"type":"any","id":"7"}');
});
