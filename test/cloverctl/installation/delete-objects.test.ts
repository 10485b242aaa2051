import test from 'ava';
import type { Place } from '../../../cloverctl/installation/collections.ts';
import { deleteObject, waitGoneAll } from '../../../cloverctl/installation/delete-objects.ts';
import { inTurn, onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const place: Place = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespace: 'clover',
  name: 'agent',
};
const live = (metadata: object): object => ({ metadata: { uid: 'u1', ...metadata } });
const ours = { labels: { 'app.kubernetes.io/part-of': 'clover' } };

test('an object is deleted as the one that was looked at, and only while it is marked as Clover’s', async (t) => {
  const { client, asked } = await onWire(
    t,
    inTurn(reply(live(ours)), reply({}), reply(live({})), refusal(404)),
  );
  t.deepEqual(await deleteObject(client, place), { place, change: 'deleted' });
  t.like(asked[1], { method: 'DELETE', body: { preconditions: { uid: 'u1' } } });
  t.like(await deleteObject(client, place), { change: 'kept' });
  t.is(await deleteObject(client, place), undefined, 'it is gone already');
});

test('what is still there at the end is named, with what holds it', async (t) => {
  const { client } = await onWire(t, () => reply(live({ finalizers: ['a.example/b'] })));
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const { signal } = new AbortController();
  const error = await t.throwsAsync(waitGoneAll(client, [place], 1_000, { clock, signal }), {
    code: 'CLV_DEADLINE_EXCEEDED',
    message: /1 objects are still there; the same command goes on from here/,
  });
  t.regex(JSON.stringify(error), /configmap\/agent in clover.*is held by a\.example\/b/);
  t.is(now, 1_000);
});
