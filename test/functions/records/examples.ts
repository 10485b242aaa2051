import type { RecordInput } from '../../../functions/records/event-recorder.ts';

/** That the run of the experiment `shift` has passed. */
export function verdictRecord(namespace: string, uid: string): RecordInput {
  return {
    type: 'Normal',
    reason: 'VerdictPass',
    action: 'Judged',
    note: 'it is not slower',
    regarding: {
      apiVersion: 'clover.dev/v1alpha1',
      kind: 'Experiment',
      namespace,
      name: 'shift',
      uid,
    },
  };
}
