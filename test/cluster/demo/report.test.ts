import test from 'ava';
import type { DemoReport } from '../../../cloverctl/demo/report.ts';
import { renderCluster, reportClusterDemo } from './report.ts';

const right: DemoReport = {
  ok: true,
  experiments: [],
  ledger: { versions: [], unattributed: 0, unexplained: 0 },
};
const woken = ['evaluate', 'ingest', 'notify', 'policy'];

test('a story that is right is ok if events have woken what it needs, and none became a dead letter', (t) => {
  t.like(reportClusterDemo(right, { woken, deadLetters: 0 }), { ok: true, woken, deadLetters: 0 });
  for (const name of ['evaluate', 'ingest', 'policy']) {
    const others = woken.filter((each) => each !== name);
    t.false(reportClusterDemo(right, { woken: others, deadLetters: 0 }).ok, name);
  }
  t.true(reportClusterDemo(right, { woken: woken.toSpliced(2, 1), deadLetters: 0 }).ok);
  t.false(reportClusterDemo(right, { woken, deadLetters: 1 }).ok);
  t.false(reportClusterDemo({ ...right, ok: false }, { woken, deadLetters: 0 }).ok);
});

test('the table says what is not as it has to be', (t) => {
  const functions = ['api', 'evaluate', 'policy'];
  t.deepEqual(renderCluster({ woken: ['policy'], deadLetters: 2 }, functions), [
    'FUNCTION       WOKEN FROM ZERO',
    'api                         no',
    'evaluate  NO, and it has to be',
    'policy                     yes',
    'dead letters: 2, and there may be none',
  ]);
  t.is(renderCluster({ woken, deadLetters: 0 }, functions).at(-1), 'dead letters: 0');
});
