import test from 'ava';
import { findingsOf } from '../../../functions/notify/findings.ts';
import { notification, notificationReasons } from '../../../knative/events.ts';
import type { ExperimentRunStatus } from '../../../knative/resources/experiment-run.ts';
import { experimentSpec } from '../../../knative/resources/experiment.ts';
import { toRfc3339 } from '../../../functions/lib/rfc3339.ts';
import { experiment, policy, run } from './objects.ts';

const at = 1_800_000_000_000;

/** So many milliseconds after it. */
const after = (ms: number): string => toRfc3339(at + ms);

const intent = (variantWeight: number, epoch: number) => ({
  epoch,
  variantWeight,
  at: after(epoch),
});

const told = (status: ExperimentRunStatus, drill = false): string[] =>
  findingsOf(run(status, drill)).map(({ notification: { reason, type } }) => `${reason} ${type}`);

test('a run is told of from its start to its end', (t) => {
  t.deepEqual(told({ phase: 'Pending' }), []);
  const started = { startedAt: after(0), intent: intent(50, 1), intents: [intent(50, 1)] };
  t.deepEqual(told({ ...started, phase: 'Running' }), ['ExperimentStarted Normal']);
  const all = [intent(50, 1), intent(100, 2)];
  const passed = {
    ...started,
    verdict: 'PASS',
    verdictAt: after(2),
    intents: all,
    intent: intent(100, 2),
  } as const;
  t.deepEqual(told({ ...passed, phase: 'Verifying' }), [
    'ExperimentStarted Normal',
    'VerdictPass Normal',
  ]);
  t.deepEqual(told({ ...passed, phase: 'Succeeded', endedAt: after(9) }), [
    'ExperimentStarted Normal',
    'VerdictPass Normal',
    'Succeeded Normal',
  ]);
});

test('a verdict that takes the traffic back warns; in a drill it is what was wanted', (t) => {
  const judged = (verdict: 'FAIL' | 'INCONCLUSIVE' | 'INVALID' | 'PASS') => ({
    verdict,
    verdictAt: after(0),
    intent: intent(0, 2),
    intents: [intent(50, 1), intent(0, 2)],
    endedAt: after(5),
  });
  t.deepEqual(told({ ...judged('FAIL'), phase: 'RolledBack' }), [
    'VerdictFail Warning',
    'RolledBack Warning',
  ]);
  t.deepEqual(told({ ...judged('INVALID'), phase: 'RolledBack' }), [
    'VerdictInvalid Warning',
    'RolledBack Warning',
  ]);
  t.deepEqual(told({ ...judged('FAIL'), phase: 'RolledBack' }, true), [
    'VerdictFail Normal',
    'DrillCaught Normal',
  ]);
  t.deepEqual(told({ ...judged('INCONCLUSIVE'), phase: 'Failed' }, true), [
    'VerdictInconclusive Warning',
    'DrillMissed Warning',
  ]);
  t.deepEqual(told({ phase: 'RolledBack', endedAt: after(0), reason: 'deleted' }), [
    'Cancelled Normal',
  ]);
});

test('a PASS stays told when the watch after it fails', (t) => {
  const status: ExperimentRunStatus = {
    phase: 'RollingBack',
    verdict: 'FAIL',
    verdictAt: after(2),
    reason: 'errors rose',
    intents: [intent(50, 1), intent(100, 2), intent(0, 3)],
    intent: intent(0, 3),
  };
  const findings = findingsOf(run(status));
  t.deepEqual(
    findings.map(({ notification: each }) => [each.reason, Date.parse(each.at) - at, each.note]),
    [
      ['VerdictPass', 2, 'v2 is as good as asked for'],
      ['VerdictFail', 3, 'errors rose'],
    ],
  );
});

test('a run is told of under its experiment, and is related', (t) => {
  const [finding] = findingsOf(run({ startedAt: after(0) }));
  t.is(finding?.notification.regarding.kind, 'Experiment');
  t.is(finding?.notification.regarding.name, 'exp');
  t.is(finding?.notification.related?.kind, 'ExperimentRun');
  t.notThrows(() => notification.parse(finding?.notification));
});

const condition = (type: string, status: 'True' | 'False' | 'Unknown', reason: string) => ({
  type,
  status,
  reason,
  message: 'words',
  observedGeneration: 3,
  lastTransitionTime: after(0),
});

const of = (object: Parameters<typeof findingsOf>[0]) =>
  findingsOf(object).map(({ notification: { reason }, onlyAsChange }) => [reason, onlyAsChange]);

test('conditions of experiments and policies are told by their reasons', (t) => {
  t.deepEqual(of(experiment([condition('ResolvedRefs', 'False', 'TargetNotFound')])), [
    ['TargetNotFound', false],
  ]);
  t.deepEqual(of(experiment([condition('ResolvedRefs', 'False', 'VersionNotFound')])), [
    ['VersionNotFound', false],
  ]);
  t.deepEqual(of(experiment([condition('ResolvedRefs', 'True', 'Resolved')])), [
    ['RefsResolved', true],
  ]);
  t.deepEqual(
    of(
      policy([
        condition('Accepted', 'True', 'Accepted'),
        condition('Programmed', 'True', 'Programmed'),
        condition('OverlayActive', 'False', 'NoRun'),
      ]),
    ),
    [
      ['PolicyAccepted', true],
      ['PolicyProgrammed', false],
    ],
  );
  t.deepEqual(
    of(
      policy([
        condition('Accepted', 'False', 'TargetConflict'),
        condition('Programmed', 'False', 'NotAccepted'),
      ]),
    ),
    [['PolicyConflict', false]],
  );
  t.deepEqual(of(policy([condition('Programmed', 'False', 'GatewayRejected')])), [
    ['PolicyRejected', false],
  ]);
  t.deepEqual(of(policy([condition('Programmed', 'Unknown', 'GatewayUnreachable')])), [
    ['GatewayUnreachable', false],
  ]);
});

test('the reasons are in alphabetical order', (t) => {
  t.deepEqual([...notificationReasons], notificationReasons.toSorted());
  t.notThrows(() => experimentSpec.parse(run({}).spec.plan));
});
