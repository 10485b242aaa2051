import test from 'ava';
import { createStatusWriter } from '../../../functions/ingress/status-writer.ts';
import { silent } from '../host/helpers.ts';
import { inTurn, onWire, refusal, reply } from '../resources/kubernetes/wire.ts';
import { ingressOf } from './examples.ts';

test('a status is written to the object that was read; only a refusal is tried again', async (t) => {
  const { client, asked } = await onWire(
    t,
    inTurn(reply({}), refusal(409, 'stale'), refusal(404), refusal(403, 'may not'), refusal(500)),
  );
  const counted: string[] = [];
  const writeStatus = createStatusWriter({
    client,
    log: silent,
    telemetry: { count: (name, _, { outcome } = {}) => counted.push(`${name} ${outcome}`) },
  });
  const ingress = ingressOf('app', {}, { resourceVersion: '7' });
  const done: boolean[] = [];
  while (done.length < 5) done.push(await writeStatus(ingress, { observedGeneration: 1 }));
  // What somebody else wrote, or deleted, comes by the watch.
  t.deepEqual(done, [true, true, true, false, false]);
  t.deepEqual(
    counted.map((text) => text.replace('clover.ingress.statuses ', '')),
    ['written', 'outdated', 'outdated', 'failed', 'failed'],
  );
  t.like(asked[0], {
    method: 'PATCH',
    path: '/apis/networking.internal.knative.dev/v1alpha1/namespaces/shop/ingresses/app/status',
    query: { fieldManager: 'clover-ingress' },
    body: { metadata: { resourceVersion: '7' }, status: { observedGeneration: 1 } },
  });
});
