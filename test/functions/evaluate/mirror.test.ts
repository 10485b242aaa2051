import test from 'ava';
import { mirrorStatus } from '../../../functions/evaluate/mirror.ts';
import type {
  ExperimentRun,
  ExperimentRunStatus,
} from '../../../knative/resources/experiment-run.ts';
import type { Experiment } from '../../../knative/resources/experiment.ts';
import { planOf } from './helpers/evidence.ts';

const metadata = {
  namespace: 'shop',
  uid: 'u',
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
};
const spec = planOf({ plan: [{ weight: 10 }, { weight: 50 }, { weight: 90 }] });
const experiment: Experiment = {
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Experiment',
  metadata: { ...metadata, name: 'one' },
  spec,
  status: {},
};

function mirrored(
  status: ExperimentRunStatus,
): readonly [step: string | undefined, weight: number | undefined] {
  const run: ExperimentRun = {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'ExperimentRun',
    metadata: { ...metadata, name: 'one-u-1' },
    spec: { experiment: { name: 'one', uid: 'u', generation: 1 }, plan: spec },
    status,
  };
  const { step, weight } = mirrorStatus(
    experiment,
    undefined,
    { run, blocker: undefined, overlays: [] },
    0,
  );
  return [step, weight];
}

const intent = (epoch: number, variantWeight: number) => ({
  epoch,
  variantWeight,
  at: '2026-01-01T00:00:00.000Z',
});

test('an experiment says which step of its plan is held, and the weight that the variant is meant to have', (t) => {
  t.deepEqual(mirrored({ phase: 'Pending' }), [undefined, undefined]);
  t.deepEqual(mirrored({ phase: 'WarmingUp', intent: intent(1, 10) }), ['1/3', 10]);
  t.deepEqual(mirrored({ phase: 'Running', intent: intent(3, 90) }), ['3/3', 90]);
  t.deepEqual(mirrored({ phase: 'Verifying', intent: intent(4, 100) }), [undefined, 100]);
  t.deepEqual(mirrored({ phase: 'RolledBack', intent: intent(2, 0) }), [undefined, 0]);
});

test('a drill repeats its first step with the fault', (t) => {
  const fault = { abort: { status: 503, percent: 100 } };
  const faulty = { ...intent(2, 10), fault };
  t.deepEqual(mirrored({ phase: 'Running', intent: faulty }), ['1/3', 10]);
});
