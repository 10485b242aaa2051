import test from 'ava';
import type { Place } from '../../../cloverctl/installation/collections.ts';
import {
  inventoryObject,
  readInventory,
  union,
  without,
  type Inventory,
} from '../../../cloverctl/installation/inventory.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const broker = (apiVersion: string): Place => ({
  apiVersion,
  kind: 'Broker',
  plural: 'brokers',
  namespace: 'clover',
  name: 'default',
});
const space: Place = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', name: 'clover' };
const inventory: Inventory = {
  version: '1.2.3',
  settings: { agent: { enabled: false } },
  objects: [space, broker('eventing.knative.dev/v1')],
  namespace: 'made',
};

test('what is written is read, and where nothing is there is none', async (t) => {
  const { client } = await onWire(t, (_, count) =>
    count === 1 ? reply(inventoryObject('clover', inventory)) : refusal(404),
  );
  t.deepEqual(await readInventory(client, 'clover'), inventory);
  t.is(await readInventory(client, 'clover'), undefined);
});

test('one that somebody has damaged is refused, and it is said what helps', async (t) => {
  const { data, ...rest } = inventoryObject('clover', inventory);
  const { client } = await onWire(t, () => reply({ ...rest, data: { ...data, objects: '[' } }));
  await t.throwsAsync(readInventory(client, 'clover'), {
    code: 'CLV_CONFIG_INVALID',
    message: /clover-installation of clover is damaged.*Delete it and install again/,
  });
});

test('an object is the same whatever the version that it is asked in', (t) => {
  const [old, now] = [broker('eventing.knative.dev/v1beta1'), broker('eventing.knative.dev/v1')];
  t.deepEqual(union([space, now], [old]), [space, now]);
  t.deepEqual(without([space, old], [now]), [space]);
});
