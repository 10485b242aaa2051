import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { z } from 'zod';
import { createKubeClient } from '../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../functions/resources/kubernetes/kubeconfig.ts';
import { eventTypes, resourceReference } from '../../knative/events.ts';
import { installationSchema } from '../../knative/render/installation.ts';
import { renderInstallation } from '../../knative/render/render-installation.ts';
import { applyDefinitions } from './crds.ts';
import {
  sendEvent,
  startReceiver,
  type Answer,
  type Received,
  type Receiver,
} from './knative/receiver.ts';
import {
  boundSender,
  brokerOf,
  functionOf,
  onlySender,
  readerAccess,
  secondsSource,
  tapSource,
} from './knative/samples.ts';
import type { KnativeTier } from './tiers/knative.ts';
import { whyLeftOut, withCluster } from './with-cluster.ts';

interface Shared {
  readonly tier: KnativeTier;
  readonly receiver: Receiver;
}

const why = await whyLeftOut('knative');
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;
const started = Promise.withResolvers<Shared>();
const ends: (() => unknown)[] = [];
const patience = '--timeout=120s';
const type = 'com.example.hello.v1';
const pods = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

if (why === undefined) {
  test.before('the cluster has a function and a broker', async (t) => {
    t.timeout(600_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'knative');
    const receiver = await startReceiver(tier.network.host);
    ends.push(() => receiver.close());
    const images = await tier.importClover(['hello']);
    await apply(tier, [functionOf('hello', images.get('hello') ?? '')]);
    await ready(tier, 'ksvc/hello');
    started.resolve({ tier, receiver });
  });
}
test.after.always('the cluster is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

const tap = (port: number): object => ({
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Tap',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { ports: [port] },
});

const isAddition = ({ attributes }: Received): boolean =>
  attributes['type'] === eventTypes.resourceAdded;

function apply(tier: KnativeTier, items: readonly object[]): Promise<string> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  return tier.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], list);
}

function ready(tier: KnativeTier, ...names: readonly string[]): Promise<string> {
  return tier.kubectl(['wait', '--for=condition=Ready', patience, ...names]);
}

/** Sends an event to the function as a client outside of the cluster does. */
function ask({ tier }: Shared, id: string): Promise<Answer> {
  const host = `hello.default.${tier.domain}`;
  return sendEvent(`http://${tier.gateway}/`, { id, type }, { host });
}

async function podsOf({ tier }: Shared): Promise<string[]> {
  const selected = ['-l', 'serving.knative.dev/service=hello', '-o', 'json'];
  const list = await tier.kubectl(['get', 'pods', ...selected]);
  return pods.parse(JSON.parse(list)).items.map(({ metadata }) => metadata.name);
}

async function untilZero(shared: Shared): Promise<void> {
  while ((await podsOf(shared)).length > 0) await sleep(500);
}

/** Address of the broker for clients on this machine. */
async function brokerUrl({ tier }: Shared, name: string): Promise<string> {
  const service = ['service/broker-ingress', '-n', 'knative-eventing'];
  const address = await tier.kubectl(['get', ...service, '-o', 'jsonpath={.spec.clusterIP}']);
  return `http://${address}/default/${name}`;
}

serial('a function answers through the network layer, goes to zero and comes back', async (t) => {
  const shared = await started.promise;
  t.is((await ask(shared, 'warm')).status, 204);
  await untilZero(shared);
  t.is((await ask(shared, 'from zero')).status, 204);
  t.is((await podsOf(shared)).length, 1);
});

serial('a host that no function has is not found', async (t) => {
  const { tier } = await started.promise;
  const host = `other.default.${tier.domain}`;
  const { status } = await sendEvent(`http://${tier.gateway}/`, { id: '1', type }, { host });
  t.is(status, 404);
});

serial('an event wakes its function; what the function refuses is a dead letter', async (t) => {
  const shared = await started.promise;
  const { tier, receiver } = shared;
  await apply(tier, brokerOf('letters', 'hello', receiver.url));
  await ready(tier, 'broker/letters', 'trigger/letters');
  await untilZero(shared);
  const url = await brokerUrl(shared, 'letters');
  t.is((await sendEvent(url, { id: 'taken', type })).status, 202);
  t.is((await podsOf(shared)).length, 1, 'the broker answers when the function has');
  t.is((await sendEvent(url, { id: 'refused', type: 'com.example.unknown.v1' })).status, 202);
  const { attributes } = await receiver.first((event) => event.attributes['id'] === 'refused');
  t.is(attributes['knativeerrorcode'], '400');
  t.false(receiver.events.some((event) => event.attributes['id'] === 'taken'));
});

serial('changes of resources are events that name them', async (t) => {
  const { tier, receiver } = await started.promise;
  await applyDefinitions(createKubeClient(await kubeconfigConnection(tier.kubeconfig)));
  await apply(tier, [...readerAccess, tapSource('changes', receiver.url)]);
  await ready(tier, 'apiserversource/changes');
  // A source is Ready before it watches, and does not tell what has been there before.
  for (let port = 1; !receiver.events.some(isAddition); port += 1) {
    await tier.kubectl(['delete', 'tap/shop', '--ignore-not-found']);
    await apply(tier, [tap(port)]);
    await sleep(2_000);
  }
  await apply(tier, [tap(8_080)]);
  await receiver.first(({ attributes }) => attributes['type'] === eventTypes.resourceUpdated);
  await tier.kubectl(['delete', 'tap/shop']);
  await receiver.first(({ attributes }) => attributes['type'] === eventTypes.resourceDeleted);
  const changes = receiver.events.filter(({ attributes }) =>
    attributes['type']?.startsWith('dev.knative.apiserver.'),
  );
  for (const { attributes, data } of changes) {
    const { kind, name, namespace } = resourceReference.parse(JSON.parse(data));
    t.deepEqual({ kind, name, namespace }, { kind: 'Tap', name: 'shop', namespace: 'default' });
    t.is(attributes['subject'], '/apis/clover.dev/v1alpha1/namespaces/default/taps/shop');
    t.is(attributes['kind'], 'Tap');
  }
});

serial('a schedule sends ticks that name it', async (t) => {
  const { tier, receiver } = await started.promise;
  await apply(tier, [secondsSource('every-second', receiver.url)]);
  await ready(tier, 'pingsource/every-second');
  const tick = await receiver.first(({ attributes }) => attributes['type'] === eventTypes.tick);
  t.is(tick.attributes['source'], '/apis/v1/namespaces/default/pingsources/every-second');
  await tier.kubectl(['delete', 'pingsource/every-second']);
});

serial('who is bound to a broker is told where it is', async (t) => {
  const { tier } = await started.promise;
  await apply(tier, [
    { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', metadata: { name: 'bound' } },
    ...boundSender('sender', 'bound'),
  ]);
  await ready(tier, 'broker/bound', 'sinkbinding/sender');
  const variable = '{.spec.template.spec.containers[0].env[?(@.name=="K_SINK")].value}';
  const sink = await tier.kubectl(['get', 'deployment/sender', '-o', `jsonpath=${variable}`]);
  t.is(sink, 'http://broker-ingress.knative-eventing.svc.cluster.local/default/bound');
});

serial(
  'an installation of Clover becomes Ready, each part of it, also where senders are asked who they are',
  async (t) => {
    t.timeout(900_000);
    const { tier } = await started.promise;
    await tier.importClover([
      'admission',
      'agent',
      'api',
      'evaluate',
      'ingest',
      'notify',
      'policy',
    ]);
    const namespace = 'clover-system';
    const installation = installationSchema.parse({
      version: '0.1.0',
      namespace,
      clickhouse: {
        url: 'http://clickhouse.clover-system.svc.cluster.local:8123',
        passwordSecret: { name: 'clickhouse', key: 'password' },
      },
      admission: { replicas: 1 },
    });
    await apply(tier, [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'clickhouse', namespace },
        stringData: { password: 'unused' },
      },
    ]);
    for (const oidc of [false, true]) {
      if (oidc) await tier.setFeatures({ 'authentication-oidc': 'enabled' });
      const objects = renderInstallation({ ...installation, oidc });
      await apply(tier, objects);
      const names = objects
        .filter(({ apiVersion }) => /^(?:serving|eventing|sources)\./.test(apiVersion))
        .map(({ apiVersion, kind, metadata }) => {
          const [group = '', version = ''] = apiVersion.split('/');
          return `${kind}.${version}.${group}/${metadata.name}`;
        });
      t.is(
        names.some((name) => name.startsWith('EventPolicy.')),
        oidc,
      );
      const all = ['wait', '--for=condition=Ready', '--timeout=300s', '-n', namespace, ...names];
      await t.notThrowsAsync(tier.kubectl(all));
    }
    const rollout = ['rollout', 'status', '--timeout=120s', '-n', namespace];
    await t.notThrowsAsync(tier.kubectl([...rollout, 'deployment/admission']));
    await t.notThrowsAsync(tier.kubectl([...rollout, 'daemonset/agent']));
  },
);

serial('a broker takes from an account what its policy allows, and nothing else', async (t) => {
  const shared = await started.promise;
  const { tier, receiver } = shared;
  await tier.setFeatures({ 'authentication-oidc': 'enabled' });
  await apply(tier, [
    ...brokerOf('guarded', 'hello', receiver.url),
    ...onlySender('sender', 'guarded', type),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'stranger' } },
  ]);
  await ready(tier, 'broker/guarded', 'eventpolicy/sender-to-guarded');
  const field = '{.status.address.audience}';
  const asked = ['get', 'broker/guarded', '-o', `jsonpath=${field}`];
  const audience = await tier.kubectl(asked);
  const url = await brokerUrl(shared, 'guarded');
  const send = async (account: string | undefined, sent: string): Promise<number> => {
    const token =
      account === undefined
        ? undefined
        : await tier.kubectl(['create', 'token', account, `--audience=${audience}`]);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token.trim()}` };
    return (await sendEvent(url, { id: `${account} ${sent}`, type: sent }, headers)).status;
  };
  t.is(await send(undefined, type), 401);
  t.is(await send('stranger', type), 403);
  t.is(await send('sender', 'com.example.other.v1'), 403);
  t.is(await send('sender', type), 202);
});
