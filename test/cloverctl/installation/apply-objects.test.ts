import test from 'ava';
import { applyObject, planObjects } from '../../../cloverctl/installation/apply-objects.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const named = (name: string) => ({ name, namespace: 'clover', labels: {} });
const account: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: named('ingest'),
};
const service = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: named('ingest'),
  spec: { template: { spec: { serviceAccountName: 'ingest' } } },
} as const;

test('a Service of Knative is not tried while its account is not there', async (t) => {
  const { client, asked } = await onWire(t, ({ method }) =>
    method === 'GET' ? refusal(404) : reply({ metadata: { uid: 'u' } }),
  );
  const plan = await planObjects({ client, force: false }, [account, service]);
  t.deepEqual(
    plan.map(({ place: { kind }, change }) => `${change} ${kind}`),
    ['created ServiceAccount', 'created Service'],
  );
  const tried = asked.filter(({ method }) => method === 'PATCH').map(({ path }) => path);
  t.deepEqual(tried, ['/api/v1/namespaces/clover/serviceaccounts/ingest']);
});

test('else it is tried', async (t) => {
  const live = { metadata: { uid: 'u', labels: { 'app.kubernetes.io/part-of': 'clover' } } };
  const { client, asked } = await onWire(t, ({ method, path }) =>
    method === 'GET' && path.endsWith('/services/ingest') ? refusal(404) : reply(live),
  );
  await planObjects({ client, force: false }, [account, service]);
  t.is(asked.filter(({ method }) => method === 'PATCH').length, 2);
});

test('what Eventing has written into a Service that it binds is taken back by force, and nothing else', async (t) => {
  const live = { metadata: { uid: 'u', labels: { 'app.kubernetes.io/part-of': 'clover' } } };
  const { client, asked } = await onWire(t, () => reply(live));
  const { apiVersion, kind } = service;
  const binding = {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'SinkBinding',
    metadata: named('notify'),
    spec: { subject: { apiVersion, kind, namespace: 'clover', name: 'notify' } },
  };
  const bound = { ...service, metadata: named('notify') };
  await planObjects({ client, force: false }, [binding, service, bound]);
  const forced = asked
    .filter(({ method }) => method === 'PATCH')
    .map(({ path, query }) => `${path.replace(/.*\//, '')} ${query['force']}`);
  t.deepEqual(forced, ['notify false', 'ingest false', 'notify true']);
});

const managed = (version: string, manager: string, replicas: number) => ({
  metadata: { uid: 'u', resourceVersion: version, managedFields: [{ manager }] },
  spec: { replicas },
  status: { seen: version },
});

test('an object of which only the manager of a field changes is unchanged, whatever its status does meanwhile', async (t) => {
  let replicas = 1;
  const { client } = await onWire(t, ({ method }) =>
    reply(method === 'GET' ? managed('1', 'webhook', 1) : managed('2', 'cloverctl', replicas)),
  );
  const changed = async () => (await applyObject({ client, force: true }, service)).change;
  t.is(await changed(), 'unchanged');
  replicas = 2;
  t.is(await changed(), 'configured');
});

test('--force-conflicts is proposed where fields are of others, and not where the whole object is', async (t) => {
  let labels: object = { 'app.kubernetes.io/part-of': 'clover' };
  const { client } = await onWire(t, ({ method }) =>
    method === 'GET' ? reply({ metadata: { uid: 'u', labels } }) : refusal(409),
  );
  const plan = () => planObjects({ client, force: false }, [account]);
  await t.throwsAsync(plan(), { code: 'CLV_CONFLICT', message: /--force-conflicts/ });
  labels = {};
  await t.throwsAsync(plan(), { code: 'CLV_CONFLICT', message: /nothing was changed$/ });
});
