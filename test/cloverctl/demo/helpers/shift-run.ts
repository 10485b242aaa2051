import { toRfc3339 } from '../../../../functions/lib/rfc3339.ts';
import type { ExperimentRun } from '../../../../knative/resources/experiment-run.ts';

/** The Unix second in which the demo runs of these tests begin. */
export const second = 1_700_000_000;

/** Unix milliseconds of `offset` seconds after the beginning. */
export const at = (offset: number): number => (second + offset) * 1000;

/** The same as a resource keeps it. */
export const timeAt = (offset: number): string => toRfc3339(at(offset));

/** A shift from v1 to v2: started at second 10, judged in [13, 20), verdict at second 21. */
export function shiftRun(samples: { control: number; variant: number }): ExperimentRun {
  return {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'ExperimentRun',
    metadata: {
      name: 'shift-1',
      namespace: 'sdc',
      uid: 'u',
      resourceVersion: '9',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: {
      experiment: { name: 'shift', uid: 'u', generation: 1 },
      plan: {
        targetRef: { kind: 'TrafficPolicy', name: 'proxy' },
        control: 'v1',
        variant: 'v2',
        plan: [{ weight: 50 }],
        metrics: [{ type: 'latency', role: 'objective', margin: 0.1 }],
        alpha: 0.01,
        minSamples: 100,
        warmUp: '3s',
        deadline: '5m',
        watchAfter: { duration: '10s', margin: 0.5 },
      },
    },
    status: {
      phase: 'Succeeded',
      verdict: 'PASS',
      startedAt: timeAt(10),
      verdictAt: timeAt(21),
      intents: [
        { epoch: 1, variantWeight: 50, at: timeAt(10) },
        { epoch: 2, variantWeight: 100, at: timeAt(21) },
      ],
      evidence: {
        samples,
        errors: { control: 0, variant: 0 },
        stuck: 0,
        missing: 0,
        effects: [],
        window: { from: timeAt(13), to: timeAt(20) },
      },
    },
  };
}
