import test from 'ava';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { placeOf } from '../../../cloverctl/installation/collections.ts';
import { waitReady, type WaitHow } from '../../../cloverctl/installation/wait-ready.ts';
import { brokerReference } from '../../../knative/render/broker.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const places = [
  { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' },
  { apiVersion: 'apps/v1', kind: 'Deployment', name: 'slow' },
  { apiVersion: 'v1', kind: 'ConfigMap', name: 'agent' },
].map(({ apiVersion, kind, name }) =>
  placeOf({ apiVersion, kind, metadata: { name, namespace: 'clover', labels: {} } }),
);
const deployment = (available: number): object => ({
  metadata: { uid: 'u' },
  spec: { replicas: 1 },
  status: { replicas: 1, updatedReplicas: 1, availableReplicas: available },
});

/** A wait whose clock goes on when it sleeps, and what it tells. */
function waitOn(client: KubeClient, timeoutMs: number): WaitHow & { readonly told: string[] } {
  const told: string[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number): Promise<void> => {
      now += ms;
    },
  };
  const env = { clock, signal: new AbortController().signal };
  return { client, env, timeoutMs, tell: (line) => told.push(line), told };
}

test('what becomes ready is told, what is ready at once is not, and what only lies there is not asked for', async (t) => {
  let asked = 0;
  const { client, asked: all } = await onWire(t, ({ path }) => {
    if (path.endsWith('/slow')) asked += 1;
    return reply(deployment(path.endsWith('/slow') && asked < 3 ? 0 : 1));
  });
  const wait = waitOn(client, 60_000);
  await waitReady(places, wait);
  t.deepEqual(wait.told, ['1 of 2 objects are not ready yet', 'deployment.apps/slow: ready']);
  t.is(all.filter(({ path }) => path.endsWith('/api')).length, 1, 'what is ready stays so');
  t.false(all.some(({ path }) => path.includes('configmaps')));
});

test('an API server that is away for a moment does not end the wait', async (t) => {
  let isBack = false;
  const { client } = await onWire(t, (_, count) => {
    isBack = count > 4;
    if (count === 3) return (response) => response.destroy();
    if (count === 4) return refusal(500, 'etcdserver: request timed out');
    return reply(deployment(isBack ? 1 : 0));
  });
  const wait = waitOn(client, 60_000);
  await waitReady(places.slice(0, 1), wait);
  t.is(wait.told.length, 3);
  t.regex(wait.told[1] ?? '', /does not answer: .*; waiting for it$/);
  t.is(wait.told[2], 'deployment.apps/api: ready');
});

test('a SinkBinding that Eventing does not look at again is brought to that', async (t) => {
  let isTouched = false;
  const { client } = await onWire(t, ({ method, path }) => {
    if (method === 'PATCH') isTouched = true;
    const status = isTouched ? 'True' : 'False';
    const conditions = ['Ready', 'SinkProvided'].map((type) => ({ type, status }));
    const address = { url: 'http://broker.example' };
    return reply({
      metadata: { uid: 'u' },
      spec: { sink: { ref: brokerReference('clover') } },
      status: path.endsWith('/brokers/clover') ? { address } : { conditions },
    });
  });
  const metadata = { name: 'agent', namespace: 'clover', labels: {} };
  const binding = { apiVersion: 'sources.knative.dev/v1', kind: 'SinkBinding', metadata };
  const wait = waitOn(client, 60_000);
  await waitReady([placeOf(binding)], wait);
  t.deepEqual(wait.told.slice(1), ['sinkbinding.sources.knative.dev/agent: ready']);
});

const readyWhen = (isReady: boolean): object => ({
  conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', message: 'no policies yet' }],
});
const broker = placeOf({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Broker',
  metadata: { name: 'clover', namespace: 'clover', labels: {} },
});
const annotations = {
  'knative.dev/channelAPIVersion': 'messaging.knative.dev/v1',
  'knative.dev/channelKind': 'InMemoryChannel',
  'knative.dev/channelName': 'clover-kne-trigger',
};

test('a Broker is waited for until its channel takes events', async (t) => {
  let looks = 0;
  const { client } = await onWire(t, ({ path }) => {
    if (path.endsWith('/brokers/clover')) {
      return reply({ metadata: { uid: 'b' }, status: { ...readyWhen(true), annotations } });
    }
    t.is(
      path,
      '/apis/messaging.knative.dev/v1/namespaces/clover/inmemorychannels/clover-kne-trigger',
    );
    looks += 1;
    return reply({ metadata: { uid: 'c' }, status: readyWhen(looks > 11) });
  });
  const wait = waitOn(client, 60_000);
  await waitReady([broker], wait);
  t.deepEqual(wait.told.slice(1), [
    'broker.eventing.knative.dev/clover: its channel: no policies yet',
    'broker.eventing.knative.dev/clover: ready',
  ]);
});

test('a Broker without a channel, or with one that one may not see, is believed', async (t) => {
  for (const status of [{ ...readyWhen(true) }, { ...readyWhen(true), annotations }]) {
    const { client } = await onWire(t, ({ path }) =>
      path.endsWith('/brokers/clover') ? reply({ metadata: { uid: 'b' }, status }) : refusal(403),
    );
    await t.notThrowsAsync(waitReady([broker], waitOn(client, 60_000)));
  }
});

test('what is not ready in time is named, with what its events say', async (t) => {
  const warning = {
    reason: 'FailedMount',
    message: 'no secret',
    involvedObject: { kind: 'Deployment', name: 'slow' },
  };
  const { client } = await onWire(t, ({ path }) => {
    if (path.endsWith('/pods')) return reply({ items: [] });
    if (path.endsWith('/events')) return reply({ items: [warning] });
    return reply(deployment(path.endsWith('/slow') ? 0 : 1));
  });
  const error = await t.throwsAsync(waitReady(places, waitOn(client, 2_000)), {
    code: 'CLV_DEADLINE_EXCEEDED',
    message: /not ready after 2 s: 1 of its objects wait/,
  });
  t.regex(
    JSON.stringify(error),
    /deployment\.apps\/slow.*0 of 1 available; FailedMount: no secret/,
  );
});
