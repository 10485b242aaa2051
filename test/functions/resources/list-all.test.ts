import test from 'ava';
import { tapSpec } from '../../../knative/resources/tap.ts';
import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { listAll } from '../../../functions/resources/list-all.ts';
import { inTurn, listed, onWire, refusal } from './kubernetes/wire.ts';

const tap = (name: string): object => ({
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Tap',
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    resourceVersion: '7',
    generation: 1,
    creationTimestamp: '2026-05-01T00:00:00Z',
  },
  spec: tapSpec.parse({ ports: [80] }),
  status: {},
});

test('all pages are one list, and none is asked for that could be large', async (t) => {
  const { client, asked } = await onWire(
    t,
    inTurn(listed([tap('a'), tap('b')], '9', 'p2'), listed([tap('c')], '9')),
  );
  const found = await listAll(createKubernetesStore(client), 'Tap');
  t.deepEqual(
    found.map(({ metadata }) => metadata.name),
    ['a', 'b', 'c'],
  );
  t.deepEqual(
    asked.map(({ query }) => query),
    [{ limit: '500' }, { limit: '500', continue: 'p2' }],
  );
});

test('a list whose next page is forgotten is none', async (t) => {
  const { client } = await onWire(t, inTurn(listed([tap('a')], '9', 'p2'), refusal(410, 'old')));
  await t.throwsAsync(listAll(createKubernetesStore(client), 'Tap'), { code: 'CLV_RESOURCE_GONE' });
});
