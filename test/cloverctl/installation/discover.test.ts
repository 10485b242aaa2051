import test from 'ava';
import { discover } from '../../../cloverctl/installation/discover.ts';
import { onWire, refusal, reply, type Answer } from '../../functions/resources/kubernetes/wire.ts';

const deployments = '/apis/apps/v1/namespaces';
const labelled = {
  metadata: { labels: { 'app.kubernetes.io/version': '1.22.0' } },
  status: { availableReplicas: 1 },
};
const answers: Readonly<Record<string, Answer>> = {
  '/version': reply({ gitVersion: 'v1.37.2' }),
  '/apis': reply({
    groups: [
      { name: 'serving.knative.dev', versions: [{ groupVersion: 'serving.knative.dev/v1' }] },
      { name: 'networking.istio.io', versions: [{ groupVersion: 'networking.istio.io/v1beta1' }] },
    ],
  }),
  [`${deployments}/knative-serving/deployments/controller`]: reply(labelled),
  [`${deployments}/istio-system/deployments/istiod`]: refusal(403),
};

const classOf = (isDefault: string): object => ({
  metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': isDefault } },
});

test('a cluster is told by its groups; what one may not see is not known, and no reason to end', async (t) => {
  const { client, asked } = await onWire(t, ({ path }) => answers[path] ?? refusal(403));
  t.like(await discover(client), {
    version: 'v1.37.2',
    serving: '1.22.0',
    eventing: undefined,
    istio: 'unknown',
    stopped: [],
    unserved: ['networking.istio.io/v1'],
    hasDefaultStorage: undefined,
  });
  t.true(asked.every(({ method }) => method === 'GET'));
  t.false(asked.some(({ path }) => path.includes('knative-eventing')));
});

test('a claim without a class gets a volume where a class is the default', async (t) => {
  const found = async (items: readonly object[]): Promise<boolean | undefined> => {
    const { client } = await onWire(t, ({ path }) =>
      path.endsWith('/storageclasses') ? reply({ items }) : (answers[path] ?? refusal(404)),
    );
    return (await discover(client)).hasDefaultStorage;
  };
  t.false(await found([]));
  t.false(await found([classOf('false')]));
  t.true(await found([classOf('false'), classOf('true')]));
});

test('definitions of Knative without those who work on them are told', async (t) => {
  const stopped = async (webhook: Answer): Promise<readonly string[]> => {
    const own = { [`${deployments}/knative-serving/deployments/webhook`]: webhook };
    const all: typeof answers = { ...answers, ...own };
    const { client } = await onWire(t, ({ path }) => all[path] ?? refusal(404));
    return (await discover(client)).stopped;
  };
  const title = 'Knative Serving does not run: the Deployment webhook of knative-serving';
  t.deepEqual(await stopped(refusal(404)), [`${title} is not there`]);
  t.deepEqual(await stopped(reply({ metadata: {}, status: { replicas: 1 } })), [
    `${title} has no pod that is available`,
  ]);
  t.deepEqual(await stopped(reply(labelled)), []);
  t.deepEqual(await stopped(refusal(403)), []);
});
