import test from 'ava';
import { mark } from '../../../../functions/mesh/istio/live-objects.ts';
import { virtualService } from '../../../../functions/mesh/istio/objects.ts';
import { applyObject, deleteObject } from '../../../../functions/mesh/istio/write-object.ts';
import { inTurn, onWire, refusal, reply } from '../../resources/kubernetes/wire.ts';
import { answerOf, live } from './live.ts';

const routes = { kind: virtualService, namespace: 'shop', name: 'proxy', spec: { hosts: ['a'] } };
const path = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/proxy';
const marks = { policy: 'proxy', epoch: 3 };

test('an object is written as the one that was read, or as one that is not there', async (t) => {
  const { client, asked } = await onWire(t, () => reply(answerOf(routes)));
  const owner = { apiVersion: 'clover.dev/v1alpha1', name: 'proxy', uid: 'p-1' };
  await applyObject(client, routes, { ...marks, owner }, live(routes));
  await applyObject(client, routes, marks, undefined);
  t.like(asked[0], {
    method: 'PATCH',
    path,
    query: { fieldManager: 'clover', fieldValidation: 'Strict', force: 'true' },
    body: {
      metadata: {
        uid: 'uid-of-proxy',
        resourceVersion: '7',
        annotations: { [mark.epoch]: '3' },
        ownerReferences: [{ ...owner, kind: 'TrafficPolicy' }],
      },
      spec: routes.spec,
    },
  });
  // A version that no object has: where there is one by now, it is a conflict.
  t.like(asked[1]?.body, { metadata: { resourceVersion: '1' } });
  t.is(asked.length, 2);
});

test('a field that somebody added to the spec goes: the object is Clover’s as a whole', async (t) => {
  const added = answerOf(routes, {
    resourceVersion: '8',
    spec: { ...routes.spec, exportTo: ['.'] },
  });
  const { client, asked } = await onWire(
    t,
    inTurn(reply(added), reply(answerOf(routes, { resourceVersion: '9' }))),
  );
  t.is((await applyObject(client, routes, marks, live(routes))).resourceVersion, '9');
  t.like(asked[1], {
    method: 'PUT',
    path,
    body: { metadata: { resourceVersion: '8' }, spec: routes.spec },
  });
});

test('one that has gone need not be deleted, and another one of its name is not', async (t) => {
  const { client, asked } = await onWire(t, inTurn(refusal(404), refusal(409, 'another')));
  await deleteObject(client, live(routes));
  await t.throwsAsync(deleteObject(client, live(routes)), { code: 'CLV_CONFLICT' });
  t.like(asked[0], {
    method: 'DELETE',
    path,
    body: { preconditions: { uid: 'uid-of-proxy', resourceVersion: '7' } },
  });
});
