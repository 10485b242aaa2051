import test from 'ava';
import { contentsOf } from '../../../cloverctl/installation/namespace-contents.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const kind = (name: string, of: string, more: object = {}): object => ({
  name,
  kind: of,
  namespaced: true,
  verbs: ['list'],
  ...more,
});

test('found is what somebody has put there: not what a cluster puts everywhere, makes of others, or owns', async (t) => {
  const owned = { ownerReferences: [{ kind: 'ReplicaSet' }] };
  const answers: Readonly<Record<string, unknown>> = {
    '/apis': { groups: [{ preferredVersion: { groupVersion: 'down.example/v1' } }] },
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
  const { client, asked } = await onWire(t, ({ path }) =>
    path in answers ? reply(answers[path]) : refusal(404),
  );
  const found = await contentsOf(client, 'clover');
  t.deepEqual(
    found.map((place) => `${place.kind} ${place.name}`),
    ['ConfigMap notes'],
  );
  t.true(
    asked.some(({ path }) => path === '/apis/down.example/v1'),
    'a group whose server is down hides nothing',
  );
});

test('what one may not list is not taken for empty', async (t) => {
  const { client } = await onWire(t, ({ path }) => {
    if (path === '/apis') return reply({ groups: [] });
    return path === '/api/v1' ? reply({ resources: [kind('pods', 'Pod')] }) : refusal(403);
  });
  await t.throwsAsync(contentsOf(client, 'clover'), { code: 'CLV_KUBERNETES_FORBIDDEN' });
});
