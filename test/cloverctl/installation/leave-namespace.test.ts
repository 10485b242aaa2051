import test from 'ava';
import { leavingOf } from '../../../cloverctl/installation/leave-namespace.ts';
import {
  onWire,
  refusal,
  reply,
  type Answer,
  type Asked,
} from '../../functions/resources/kubernetes/wire.ts';

const space = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', name: 'clover' };
const secrets = { name: 'secrets', kind: 'Secret', namespaced: true, verbs: ['list'] };
const env = {
  clock: { now: () => 0, sleep: async () => undefined },
  signal: new AbortController().signal,
};

/** A cluster with one group beside Kubernetes' own, and one secret in the namespace, which is marked as said. */
const clusterWith =
  (group: Answer, labels: object = { 'app.kubernetes.io/part-of': 'clover' }) =>
  ({ path }: Asked): Answer => {
    const groups = [{ preferredVersion: { groupVersion: 'metrics.example/v1' } }];
    if (path === '/apis') return reply({ groups });
    if (path === '/apis/metrics.example/v1') return group;
    if (path === '/api/v1') return reply({ resources: [secrets] });
    if (path.endsWith('/secrets')) return reply({ items: [{ metadata: { name: 'mine' } }] });
    return reply({ metadata: { uid: 'u', labels } });
  };
const none = reply({ resources: [] });
const mine = {
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespace: 'clover',
  name: 'mine',
};

test('what the end takes is asked for at the beginning, and what it comes to is planned', async (t) => {
  const { client, asked } = await onWire(t, clusterWith(none));
  const leaving = await leavingOf(client, space, 'made');
  t.deepEqual(
    leaving.wishes.map(({ verb, resource, namespace }) => [verb, resource, namespace]),
    [
      ['patch', 'namespaces', undefined],
      ['list', 'secrets', 'clover'],
    ],
  );
  const kept = { place: space, change: 'kept', why: 'it has secret/mine' };
  t.deepEqual(await leaving.plan([]), kept);
  t.is(await leaving.plan([mine]), undefined);
  t.true(asked.every(({ method }) => method === 'GET'));
  t.deepEqual(await leaving.leave(client, 0, env), kept);
  t.like(asked.at(-1), { method: 'PATCH', path: '/api/v1/namespaces/clover' });
});

test('a namespace that was there before, or that nobody knows of, is not looked into', async (t) => {
  const { client, asked } = await onWire(t, clusterWith(none));
  for (const [origin, why] of [
    ['found', 'it was there before'],
    ['unknown', 'nobody knows whether it came with Clover'],
  ] as const) {
    const leaving = await leavingOf(client, space, origin);
    t.like(await leaving.plan([]), { change: 'kept', why });
    t.is(leaving.wishes.length, 1);
  }
  t.deepEqual(asked, []);
});

test('a namespace stays while the server of a group does not say what is in it', async (t) => {
  const { client } = await onWire(t, clusterWith(refusal(503, 'service unavailable')));
  const leaving = await leavingOf(client, space, 'made');
  t.like(await leaving.plan([mine]), {
    change: 'kept',
    why: 'nobody knows what it has of metrics.example: the server of that does not answer',
  });
});

test('a namespace that is not marked as Clover’s any more is not waited for', async (t) => {
  const { client } = await onWire(t, (asked) =>
    asked.path.endsWith('/secrets') ? reply({ items: [] }) : clusterWith(none, {})(asked),
  );
  const leaving = await leavingOf(client, space, 'made');
  t.like(await leaving.leave(client, 0, env), {
    change: 'kept',
    why: 'it is not marked as Clover’s any more',
  });
});
