import test from 'ava';
import { createKubernetesStore } from '../../../../functions/resources/kubernetes/kubernetes-store.ts';
import { tapSpec, type Tap } from '../../../../knative/resources/tap.ts';
import { inTurn, line, listed, onWire, refusal, reply, told } from './wire.ts';

const tap: Tap = {
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Tap',
  metadata: {
    namespace: 'shop',
    name: 'web',
    uid: 'u-1',
    resourceVersion: '7',
    generation: 1,
    creationTimestamp: '2026-05-01T00:00:00Z',
  },
  spec: tapSpec.parse({ ports: [80] }),
  status: {},
};
const path = '/apis/clover.dev/v1alpha1/namespaces/shop/taps/web';

test('an object that is deleted between two requests is not found, and not deleted twice', async (t) => {
  const { client, asked } = await onWire(t, inTurn(reply(tap), refusal(404, 'gone')));
  const store = createKubernetesStore(client);
  await t.throwsAsync(store.delete('Tap', 'shop', 'web'), { code: 'CLV_NOT_FOUND' });
  // One of the same name that somebody has made since is another one.
  t.like(asked[1], { method: 'DELETE', path, body: { preconditions: { uid: 'u-1' } } });
});

test('an object that is gone at once is told as it was', async (t) => {
  const gone = reply({ kind: 'Status', status: 'Success' });
  const { client } = await onWire(t, inTurn(reply(tap), gone));
  t.deepEqual(await createKubernetesStore(client).delete('Tap', 'shop', 'web'), tap);
});

test('a spec that is meant for a version is not written over another one, nor where there is none', async (t) => {
  const { client, asked } = await onWire(
    t,
    inTurn(reply(tap), refusal(404), refusal(409, 'there')),
  );
  const store = createKubernetesStore(client);
  const wish = { kind: 'Tap', metadata: { namespace: 'shop', name: 'web' }, spec: {} } as const;
  for (const _ of ['another version', 'none']) {
    await t.throwsAsync(store.applySpec(wish, { manager: 'me', resourceVersion: '6' }), {
      code: 'CLV_CONFLICT',
      message: /Tap shop\/web has not the resource version 6: read it again/,
    });
  }
  // Empty: only if there is none.
  const first = store.applySpec(wish, { manager: 'me', resourceVersion: '' });
  await t.throwsAsync(first, { code: 'CLV_CONFLICT', message: 'there' });
  t.deepEqual(
    asked.map(({ method }) => method),
    ['GET', 'GET', 'PATCH'],
  );
});

test('a finalizer stands before the status that rests on it, and goes behind the one that ends it', async (t) => {
  const held = { ...tap, metadata: { ...tap.metadata, finalizers: ['clover.dev/x'] } };
  const status = { observedGeneration: 1 };
  const { client, asked } = await onWire(
    t,
    inTurn(reply(held), refusal(409, 'stale'), refusal(409, 'stale')),
  );
  const store = createKubernetesStore(client);
  await t.throwsAsync(store.patchStatus(tap, status, ['clover.dev/x']), { code: 'CLV_CONFLICT' });
  await t.throwsAsync(store.patchStatus(held, status, []), { code: 'CLV_CONFLICT' });
  t.deepEqual(
    asked.map((one) => `${one.method} ${one.path.slice(path.length)}`),
    ['PATCH ', 'PUT /status', 'PUT /status'],
  );
});

test('during a roll-back of the definitions a status loses what they do not know, and nothing else', async (t) => {
  const status = { observedGeneration: 1 };
  const message = 'strict decoding error: unknown field "status.observedGeneration"';
  const { client, asked } = await onWire(
    t,
    inTurn(refusal(400, message), reply(tap), refusal(422, 'bad')),
  );
  const store = createKubernetesStore(client);
  t.deepEqual((await store.patchStatus(tap, status)).status, {});
  t.deepEqual(
    asked.map(({ query }) => query['fieldValidation']),
    ['Strict', 'Ignore'],
  );
  // What it refuses for another reason it is not asked to take.
  await t.throwsAsync(store.patchStatus(tap, status), { code: 'CLV_RESOURCE_INVALID' });
  t.is(asked.length, 3);
});

test('what is no object of ours is never taken for one', async (t) => {
  const strange = [
    { kind: 'Tap' },
    'text',
    null,
    { ...tap, metadata: { name: 'web' } },
    { ...tap, apiVersion: 'clover.dev/v2' },
    { ...tap, kind: 'Experiment' },
  ];
  const { client } = await onWire(
    t,
    inTurn(...strange.map((each) => reply(each)), listed([{}], '9')),
  );
  const store = createKubernetesStore(client);
  for (const _ of strange) {
    await t.throwsAsync(store.get('Tap', 'shop', 'web'), { code: 'CLV_INTERNAL' });
  }
  await t.throwsAsync(store.list('Tap'), { code: 'CLV_INTERNAL' });
});

test('a watch ends with its store, though nothing happens', async (t) => {
  const { client } = await onWire(t, () => told([line('ADDED', 'web', '8', tap)]));
  const store = createKubernetesStore(client);
  const seen: string[] = [];
  const { signal } = new AbortController();
  for await (const { type } of store.watch('Tap', '7', { signal })) {
    seen.push(type);
    await store.close();
  }
  t.deepEqual(seen, ['ADDED']);
});
