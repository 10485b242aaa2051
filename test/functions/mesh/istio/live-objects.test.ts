import test from 'ava';
import { liveObject, mark, readLive } from '../../../../functions/mesh/istio/live-objects.ts';
import { virtualService } from '../../../../functions/mesh/istio/objects.ts';
import { listed, onWire, refusal } from '../../resources/kubernetes/wire.ts';
import { answerOf } from './live.ts';

const routes = { kind: virtualService, namespace: 'shop', name: 'proxy', spec: { hosts: ['a'] } };

test('an object is Clover’s by both of its labels, and its epoch is a number or none', (t) => {
  t.like(liveObject(virtualService, answerOf(routes)), { policy: 'shop/proxy', epoch: 1 });
  for (const epoch of ['', 'x', '-1', '1.5', '9'.repeat(20)]) {
    t.is(liveObject(virtualService, answerOf(routes, {}, { [mark.epoch]: epoch })).epoch, 0);
  }
  const metadata = { name: 'proxy', namespace: 'shop', uid: 'u', resourceVersion: '1' };
  for (const labels of [
    undefined,
    { [mark.policy]: 'proxy' },
    { [mark.managedBy.label]: mark.managedBy.value },
  ]) {
    const own = { metadata: { ...metadata, ...(labels && { labels }) } };
    t.is(liveObject(virtualService, own).policy, undefined);
  }
});

test('all that Clover made is read, and nothing else is asked for, over as many pages as there are', async (t) => {
  const { client, asked } = await onWire(t, ({ path, query }) => {
    const name = path.split('/').at(-1) ?? '';
    const [first, second] = [`${name}-1`, `${name}-2`].map((own) =>
      answerOf({ ...routes, name: own }),
    );
    return query['continue'] === undefined ? listed([first], '9', 'p2') : listed([second], '9');
  });
  const live = await readLive(client);
  t.deepEqual('objects' in live && live.objects.map(({ name }) => name).toSorted(), [
    'destinationrules-1',
    'destinationrules-2',
    'envoyfilters-1',
    'envoyfilters-2',
    'virtualservices-1',
    'virtualservices-2',
  ]);
  t.is(asked.length, 6);
  for (const { query } of asked) {
    t.is(query['labelSelector'], 'app.kubernetes.io/managed-by=clover,clover.dev/policy');
  }
});

test('an API without Istio is told from one that refuses', async (t) => {
  const without = await onWire(t, () => refusal(404));
  t.deepEqual(await readLive(without.client), {
    missing: 'the API server knows no VirtualServices: Istio is not installed',
  });
  const refusing = await onWire(t, () => refusal(403, 'may not list'));
  await t.throwsAsync(readLive(refusing.client), { code: 'CLV_KUBERNETES_FORBIDDEN' });
});
