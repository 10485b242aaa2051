import test from 'ava';
import { liveObject } from '../../../cloverctl/installation/live-object.ts';
import { canBeWaitedFor, readinessOf } from '../../../cloverctl/installation/readiness.ts';

const textOf = (kind: string, generation: number, status: object, spec: object = {}): string =>
  readinessOf(kind, liveObject({ metadata: { uid: 'u', generation }, spec, status })).text;

test('a Deployment is ready when all of its pods are new and available, and no old one is left', (t) => {
  const seen = { observedGeneration: 2 };
  const of = (status: object): string =>
    textOf('Deployment', 2, { ...seen, ...status }, { replicas: 2 });
  t.is(textOf('Deployment', 3, seen), 'was not looked at yet');
  t.is(of({ updatedReplicas: 1 }), '1 of 2 updated');
  t.is(textOf('Deployment', 2, seen, { replicas: 0 }), 'scaled to 0', 'as while a backup is made');
  t.is(of({ replicas: 3, updatedReplicas: 2 }), '1 old pods left');
  t.is(of({ replicas: 2, updatedReplicas: 2, availableReplicas: 1 }), '1 of 2 available');
  t.is(of({ replicas: 2, updatedReplicas: 2, availableReplicas: 2 }), 'ready');
});

test('a DaemonSet is ready when each node has an available pod of the newest kind', (t) => {
  const of = (status: object): string =>
    textOf('DaemonSet', 1, { observedGeneration: 1, desiredNumberScheduled: 3, ...status });
  t.is(of({}), '0 of 3 updated');
  t.is(of({ updatedNumberScheduled: 3, numberAvailable: 2 }), '2 of 3 available');
  t.is(of({ updatedNumberScheduled: 3, numberAvailable: 3 }), 'ready');
  t.is(textOf('DaemonSet', 2, { observedGeneration: 1 }), 'was not looked at yet');
  t.is(of({ desiredNumberScheduled: 0 }), 'on no node');
});

test('what has conditions is ready when it says so of what it is now', (t) => {
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
  t.is(textOf('Broker', 1, ready), 'ready', 'not all of them tell which generation they mean');
  t.is(textOf('Service', 2, { observedGeneration: 1, ...ready }), 'was not looked at yet');
  t.is(textOf('Service', 1, {}), 'Ready is not said yet');
  const waiting = { type: 'Ready', status: 'Unknown', reason: 'Waiting', message: 'for a pod' };
  t.is(textOf('Service', 1, { conditions: [waiting] }), 'for a pod');
  t.is(textOf('CustomResourceDefinition', 1, ready), 'Established is not said yet');
  t.is(readinessOf('Broker', undefined).text, 'is not there');
});

test('nothing is waited for that only lies there', (t) => {
  t.true(canBeWaitedFor({ apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger' }));
  t.true(canBeWaitedFor({ apiVersion: 'apps/v1', kind: 'DaemonSet' }));
  t.false(canBeWaitedFor({ apiVersion: 'v1', kind: 'ConfigMap' }));
});
