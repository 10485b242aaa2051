import test from 'ava';
import { reportDemo, reportExperiment } from '../../../cloverctl/demo/report.ts';
import type { Ledger } from '../../../cloverctl/demo/ledger.ts';
import { at, shiftRun, timeAt } from './helpers/shift-run.ts';

const closed: Ledger = { versions: [], unattributed: 0, unexplained: 0 };
const shift = shiftRun({ control: 50, variant: 48 });
const drill: typeof shift = {
  ...shift,
  spec: { ...shift.spec, experiment: { name: 'drill', uid: 'd', generation: 1 } },
  status: {
    ...shift.status,
    phase: 'RolledBack',
    verdict: 'FAIL',
    intents: [
      { epoch: 1, variantWeight: 50, at: timeAt(10) },
      {
        epoch: 2,
        variantWeight: 50,
        fault: { delay: { duration: '200ms', percent: 100 } },
        at: timeAt(13),
      },
      { epoch: 3, variantWeight: 0, at: timeAt(21) },
    ],
  },
};

test('a drill is timed from its fault to the verdict and on to the last answer', (t) => {
  const report = reportExperiment(drill, at(21) + 250);
  t.is(report.faultToVerdictSeconds, 8);
  t.is(report.verdictToLastBadRequestSeconds, 0.25);
});

test('a passed experiment has no fault and no bad request', (t) => {
  const report = reportExperiment(shift, at(60));
  t.is(report.faultToVerdictSeconds, null);
  t.is(report.verdictToLastBadRequestSeconds, null);
  t.deepEqual(report.samples, { control: 50, variant: 48 });
});

test('the demo is ok only with both verdicts right and a closed ledger', (t) => {
  const experiments = [reportExperiment(shift, undefined), reportExperiment(drill, at(22))];
  t.true(reportDemo(experiments, closed).ok);
  t.false(reportDemo(experiments, { ...closed, unexplained: 1 }).ok);
  t.false(reportDemo(experiments.slice(0, 1), closed).ok);
  const wrong = { ...drill, status: { ...drill.status, verdict: 'PASS' as const } };
  t.false(reportDemo([reportExperiment(shift, undefined), reportExperiment(wrong, 0)], closed).ok);
});
