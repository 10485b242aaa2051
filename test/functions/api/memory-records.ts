import type { EventRecorder, RecordInput } from '../../../functions/records/event-recorder.ts';
import { createSqliteEventRecorder } from '../../../functions/records/sqlite-event-recorder.ts';
import { systemClock } from '../../../functions/lib/clock.ts';

/** A record of an experiment that has passed. */
export const recordOf = (namespace: string, name: string): RecordInput => ({
  action: 'Judge',
  reason: 'Passed',
  regarding: { apiVersion: 'clover.dev/v1alpha1', kind: 'Experiment', namespace, name, uid: name },
  note: 'v2 is as good as v1',
  type: 'Normal',
});

/** A recorder in memory with two records, of two namespaces. */
export async function memoryRecords(): Promise<EventRecorder> {
  const recorder = createSqliteEventRecorder({
    path: ':memory:',
    clock: systemClock,
    instance: 'host-1',
  });
  await recorder.note({ uid: 'try-v2', what: 'Passed', to: '1' }, recordOf('shop', 'try-v2'));
  await recorder.note({ uid: 'try-v3', what: 'Passed', to: '1' }, recordOf('blog', 'try-v3'));
  return recorder;
}
