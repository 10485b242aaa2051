import test from 'ava';
import { stringify } from 'yaml';
import { description } from '../../../cloverctl/output/description.ts';
import type { KubernetesEvent } from '../../../knative/kubernetes-event.ts';
import type { Tap } from '../../../knative/resources/tap.ts';

const now = Date.parse('2026-02-01T00:00:00Z');

const tap: Tap = {
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Tap',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'u1',
    resourceVersion: '3',
    generation: 1,
    creationTimestamp: '2026-01-31T00:00:00Z',
    labels: { app: 'web' },
    finalizers: ['clover.dev/hold'],
  },
  spec: { selector: { matchLabels: {} }, ports: [80] },
  status: {},
};

const event = (eventTime: string, more: Partial<KubernetesEvent> = {}): KubernetesEvent => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: {
    name: 'web.1',
    namespace: 'shop',
    uid: 'e1',
    resourceVersion: '9',
    creationTimestamp: eventTime,
  },
  eventTime,
  reportingController: 'clover.dev/policy',
  reportingInstance: 'host-1',
  action: 'Render',
  reason: 'Programmed',
  regarding: {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Tap',
    namespace: 'shop',
    name: 'web',
    uid: 'u1',
  },
  note: 'in force',
  type: 'Normal',
  ...more,
});

test('events stand at the end, the newest last, with how often they were seen', (t) => {
  const events = [
    event('2026-01-31T23:00:00.000000Z', {
      series: { count: 5, lastObservedTime: '2026-01-31T23:59:30.000000Z' },
      type: 'Warning',
      reason: 'Refused',
      note: 'the gateway refused it',
    }),
    event('2026-01-31T22:00:00.000000Z'),
  ];
  const lines = description({ object: tap, events }, { now, yaml: stringify, colour: false });
  t.deepEqual(lines.slice(-4), [
    'Events:',
    '  TYPE      REASON       AGE                 FROM                MESSAGE',
    '  Normal    Programmed   2h0m                clover.dev/policy   in force',
    '  Warning   Refused      30s (x5 over 60m)   clover.dev/policy   the gateway refused it',
  ]);
  t.true(lines.includes('Finalizer:   clover.dev/hold'), lines.join('\n'));
  t.true(lines.includes('    - 80'));
});

test('an object to which nothing happened says so', (t) => {
  const lines = description({ object: tap, events: [] }, { now, yaml: stringify, colour: false });
  t.deepEqual(lines.slice(-4), ['Conditions:', '  <none>', 'Events:', '  <none>']);
});
