import anyTest from 'ava';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { sampleRatioLogBayesFactor } from '../../../functions/lib/statistics/sample-ratio.ts';
import { specHash } from '../../../functions/ingress/spec-hash.ts';
import type { ApiTier } from '../../cluster/tiers/api.ts';
import { whyLeftOut, withCluster } from '../../cluster/with-cluster.ts';
import { envoyMissing } from '../mesh/envoy/envoy.ts';
import { applyIngressDefinition, startStand, type IngressStand } from './stand.ts';
import { startUpstreams, type UpstreamNetwork } from './upstream-network.ts';

const why =
  envoyMissing ??
  (process.getuid?.() === 0 ? await whyLeftOut() : 'network namespaces are for root alone');
if (why !== undefined) process.stderr.write(`ingress: ${why}\n`);
const test = why === undefined ? anyTest.serial : anyTest.serial.skip;

interface Shared {
  readonly tier: ApiTier;
  readonly client: KubeClient;
  readonly upstreams: UpstreamNetwork;
}

const started = Promise.withResolvers<Shared>();
const ends: (() => unknown)[] = [];
if (why === undefined) {
  anyTest.before('the API server serves Ingresses of Knative', async (t) => {
    t.timeout(120_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) });
    const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
    await applyIngressDefinition(client);
    const upstreams = await startUpstreams(['v1', 'v2', 'v3', 'h2c-1']);
    ends.push(() => upstreams.close());
    started.resolve({ tier, client, upstreams });
  });
}
anyTest.after.always('what was started is taken down', async () => {
  for (const end of ends) await end();
});

const isReady = (ingress: {
  status?: { conditions?: { type: string; status: string }[] | undefined } | undefined;
}): boolean =>
  ingress.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ===
  true;

/** Services v1, v2 and v3 with a server each. */
async function standOf(
  t: Parameters<typeof startStand>[0],
): Promise<IngressStand & { readonly address: string }> {
  const { client, upstreams } = await started.promise;
  const stand = await startStand(t, client);
  for (const name of ['v1', 'v2', 'v3']) {
    await stand.service(name);
    await stand.endpoints(name, [{ address: upstreams.address, port: upstreams.ports[name] ?? 0 }]);
  }
  return Object.assign(stand, { address: upstreams.address });
}

const split = (stand: IngressStand, serviceName: string, percent?: number, more: object = {}) => ({
  serviceNamespace: stand.namespace,
  serviceName,
  servicePort: 80,
  ...(percent !== undefined && { percent }),
  ...more,
});

test('an Ingress is ready once Envoy has it, and 80/20 is counted as such', async (t) => {
  const stand = await standOf(t);
  await stand.ingress('app', {
    rules: [
      {
        hosts: ['app.example.test'],
        visibility: 'ExternalIP',
        http: { paths: [{ splits: [split(stand, 'v1', 80), split(stand, 'v2', 20)] }] },
      },
    ],
  });
  const ingress = await stand.until('app', isReady);
  t.deepEqual(
    ingress.status?.conditions?.map(({ type, status }) => `${type}=${status}`),
    ['LoadBalancerReady=True', 'NetworkConfigured=True', 'Ready=True'],
  );
  t.deepEqual(ingress.status?.privateLoadBalancer, {
    ingress: [{ domainInternal: 'private.test' }],
  });
  const counts = { v1: 0, v2: 0 };
  for (let asked = 0; asked < 1_000; asked += 1) {
    const { seen } = await stand.get(stand.external, 'app.example.test');
    if (seen?.name === 'v1') counts.v1 += 1;
    else if (seen?.name === 'v2') counts.v2 += 1;
  }
  t.is(counts.v1 + counts.v2, 1_000);
  t.true(
    sampleRatioLogBayesFactor([counts.v1, counts.v2], [0.8, 0.2]) < Math.log(1e6),
    JSON.stringify(counts),
  );
  t.log(counts);
  const probe = await stand.get(stand.external, 'app.example.test', '/', {
    'k-network-probe': 'probe',
    'k-network-hash': 'override',
  });
  t.is(probe.headers['k-network-hash'], specHash(ingress));
});
