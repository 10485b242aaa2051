import test from 'ava';
import type { Tap } from '../../../knative/resources/tap.ts';
import { createScopeFilter, type Scope } from '../../../functions/api/scope-filter.ts';
import { parseLabelSelector } from '../../../functions/lib/label-selector.ts';
import type { ResourceEvent } from '../../../functions/resources/store.ts';

const everything: Scope = { kind: 'Tap', namespace: undefined, name: undefined, none: false };

const tap = (labels: Record<string, string>, name = 'web'): Tap => ({
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Tap',
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-31T12:00:00Z',
    labels,
  },
  spec: { selector: { matchLabels: {} } },
  status: {},
});

const change = (type: ResourceEvent['type'], team: string): ResourceEvent => ({
  type,
  object: tap({ team }),
});

test('an object comes and goes with its labels', (t) => {
  const told = createScopeFilter(everything, parseLabelSelector('team=a'));
  t.is(told(change('ADDED', 'b')), undefined);
  t.is(told(change('MODIFIED', 'a')), 'ADDED');
  t.is(told(change('MODIFIED', 'a')), 'MODIFIED');
  t.is(told(change('MODIFIED', 'b')), 'DELETED');
  t.is(told(change('MODIFIED', 'b')), undefined);
  t.is(told(change('DELETED', 'b')), undefined);
  t.is(told(change('ADDED', 'a')), 'ADDED');
  t.is(told(change('DELETED', 'a')), 'DELETED');
});

const resumed = () => createScopeFilter(everything, parseLabelSelector('team=a'));

test('of an object that was not seen before, nothing is kept back', (t) => {
  t.is(resumed()(change('MODIFIED', 'b')), 'DELETED');
  t.is(resumed()(change('MODIFIED', 'a')), 'MODIFIED');
  t.is(resumed()(change('DELETED', 'a')), 'DELETED');
});

test('objects of other names and namespaces are never told', (t) => {
  const all = parseLabelSelector('');
  const added: ResourceEvent = { type: 'ADDED', object: tap({}) };
  for (const [scope, told] of [
    [{ ...everything, name: 'web' }, 'ADDED'],
    [{ ...everything, name: 'other' }, undefined],
    [{ ...everything, namespace: 'other' }, undefined],
    [{ ...everything, none: true }, undefined],
  ] as const) {
    t.is(createScopeFilter(scope, all)(added), told);
  }
});
