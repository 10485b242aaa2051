import type { KubernetesEvent } from '../../../knative/kubernetes-event.ts';
import type { EventRecorder } from '../../../functions/records/event-recorder.ts';

const record = (namespace: string, name: string): KubernetesEvent => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: {
    name: `${name}.1`,
    namespace,
    uid: `uid-${name}`,
    resourceVersion: '7',
    creationTimestamp: '2026-01-31T12:00:00Z',
  },
  eventTime: '2026-01-31T12:00:00.000000Z',
  reportingController: 'clover.dev/evaluate',
  reportingInstance: 'host-1',
  action: 'Judge',
  reason: 'Passed',
  regarding: { apiVersion: 'clover.dev/v1alpha1', kind: 'Experiment', namespace, name, uid: 'u' },
  note: 'v2 is as good as v1',
  type: 'Normal',
});

const all = [record('shop', 'try-v2'), record('blog', 'try-v3')];

/** Two records, of two namespaces. */
export const memoryRecords: Pick<EventRecorder, 'list'> = {
  list: async ({ namespace, object }) => ({
    apiVersion: 'events.k8s.io/v1',
    kind: 'EventList',
    metadata: { resourceVersion: '7' },
    items: all.filter(
      ({ metadata, regarding }) =>
        (namespace ?? metadata.namespace) === metadata.namespace &&
        (object?.name ?? regarding.name) === regarding.name,
    ),
  }),
};
