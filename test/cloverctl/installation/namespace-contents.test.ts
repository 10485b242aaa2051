import test from 'ava';
import { contentsOf, namespacedKinds } from '../../../cloverctl/installation/namespace-contents.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const kind = (name: string, of: string, more: object = {}): object => ({
  name,
  kind: of,
  namespaced: true,
  verbs: ['list'],
  ...more,
});

const groupOf = (name: string): object => ({
  preferredVersion: { groupVersion: `${name}.example/v1` },
});

test('found is what somebody has put there: not what a cluster puts everywhere, makes of others, or owns', async (t) => {
  const owned = { ownerReferences: [{ kind: 'ReplicaSet' }] };
  const answers: Readonly<Record<string, unknown>> = {
    '/apis': { groups: ['gone', 'down'].map(groupOf) },
    '/api/v1': {
      resources: [
        kind('configmaps', 'ConfigMap'),
        kind('pods', 'Pod'),
        kind('pods/status', 'Pod'),
        kind('events', 'Event'),
        kind('bindings', 'Binding', { verbs: ['create'] }),
        kind('nodes', 'Node', { namespaced: false }),
      ],
    },
    '/api/v1/namespaces/clover/configmaps': {
      items: [{ metadata: { name: 'kube-root-ca.crt' } }, { metadata: { name: 'notes' } }],
    },
    '/api/v1/namespaces/clover/pods': { items: [{ metadata: { name: 'web', ...owned } }] },
  };
  const { client } = await onWire(t, ({ path }) => {
    if (path === '/apis/down.example/v1') return refusal(503, 'service unavailable');
    return path in answers ? reply(answers[path]) : refusal(404);
  });
  const { kinds, silent } = await namespacedKinds(client);
  t.deepEqual(silent, ['down.example']);
  const found = await contentsOf(client, 'clover', kinds);
  t.deepEqual(
    found.map((place) => `${place.kind} ${place.name}`),
    ['ConfigMap notes'],
  );
});

test('what one may not list is not taken for empty, nor what a server that is away might have', async (t) => {
  const { client } = await onWire(t, ({ path }) =>
    path === '/apis' ? reply({ groups: [] }) : refusal(path === '/api/v1' ? 500 : 403),
  );
  await t.throwsAsync(namespacedKinds(client), { code: 'CLV_KUBERNETES_UNREACHABLE' });
  const kinds = [{ apiVersion: 'v1', kind: 'Pod', plural: 'pods' }];
  await t.throwsAsync(contentsOf(client, 'clover', kinds), { code: 'CLV_KUBERNETES_FORBIDDEN' });
});
