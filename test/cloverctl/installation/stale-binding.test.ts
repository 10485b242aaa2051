import test from 'ava';
import { placeOf } from '../../../cloverctl/installation/collections.ts';
import { liveObject } from '../../../cloverctl/installation/live-object.ts';
import { touchStaleBinding } from '../../../cloverctl/installation/stale-binding.ts';
import { onWire, reply, type Wire } from '../../functions/resources/kubernetes/wire.ts';

const metadata = { name: 'agent', namespace: 'clover', labels: {} };
const bindingPlace = placeOf({
  apiVersion: 'sources.knative.dev/v1',
  kind: 'SinkBinding',
  metadata,
});
const path = '/apis/sources.knative.dev/v1/namespaces/clover/sinkbindings/agent';
const binding = (provided: string): object => ({
  metadata: { uid: 'u' },
  spec: {
    sink: { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'reports' } },
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'SinkProvided', status: provided },
    ],
  },
});
const writes = ({ asked }: Wire) => asked.filter(({ method }) => method !== 'GET');

test('a binding that does not see the address of the broker is changed, so that it is read again', async (t) => {
  const broker = { metadata: { uid: 'b' }, status: { address: { url: 'http://broker.example' } } };
  const wire = await onWire(t, () => reply(broker));
  await touchStaleBinding(wire.client, liveObject(binding('False')), bindingPlace, 0);
  t.deepEqual(
    writes(wire).map(({ method, path: where, body }) => ({ method, path: where, body })),
    [
      {
        method: 'PATCH',
        path,
        body: { metadata: { annotations: { 'clover.dev/touched': '1970-01-01T00:00:00.000Z' } } },
      },
    ],
  );
});

test('while the broker has no address, nothing is changed, nor is a binding that lacks something else, nor anything else', async (t) => {
  const wire = await onWire(t, () => reply({ metadata: { uid: 'b' }, status: {} }));
  await touchStaleBinding(wire.client, liveObject(binding('False')), bindingPlace, 0);
  t.is(wire.asked.length, 1);
  await touchStaleBinding(wire.client, liveObject(binding('True')), bindingPlace, 0);
  const other = placeOf({ apiVersion: 'sources.knative.dev/v1', kind: 'PingSource', metadata });
  await touchStaleBinding(wire.client, liveObject(binding('False')), other, 0);
  t.is(wire.asked.length, 1);
  t.deepEqual(writes(wire), []);
});
