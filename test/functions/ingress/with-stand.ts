import anyTest, { type ExecutionContext } from 'ava';
import type { Ingress } from '../../../functions/ingress/ingress-object.ts';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import type { ApiTier } from '../../cluster/tiers/api.ts';
import { whyLeftOut, withCluster } from '../../cluster/with-cluster.ts';
import { envoyMissing } from '../mesh/envoy/envoy.ts';
import { applyIngressDefinition, startStand, type IngressStand } from './stand.ts';
import { startUpstreams, type UpstreamNetwork } from './upstream-network.ts';

const why =
  envoyMissing ??
  (process.getuid?.() === 0 ? await whyLeftOut() : 'network namespaces are for root alone');
if (why !== undefined) process.stderr.write(`skipped: ${why}\n`);

/** A test with an API server, an Envoy and upstreams; left out where one of them cannot be had. */
export const test = why === undefined ? anyTest.serial : anyTest.serial.skip;

/** What all tests of a file share. */
export interface Shared {
  readonly tier: ApiTier;
  readonly client: KubeClient;
  readonly upstreams: UpstreamNetwork;
}

const startedOnce = Promise.withResolvers<Shared>();

/** Resolves when it is all there. */
export const started = startedOnce.promise;

const ends: (() => unknown)[] = [];
if (why === undefined) {
  anyTest.before('the API server serves Ingresses of Knative', async (t) => {
    t.timeout(120_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) });
    const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
    await applyIngressDefinition(client);
    const upstreams = await startUpstreams(['v1', 'v2', 'v3', 'h2c-1']);
    ends.push(() => upstreams.close());
    startedOnce.resolve({ tier, client, upstreams });
  });
}
anyTest.after.always('what was started is taken down', async () => {
  for (const end of ends) await end();
});

/** Status and reason of a condition. */
export function conditionOf({ status }: Ingress, type: string): string {
  const found = status?.conditions?.find((condition) => condition.type === type);
  return `${found?.status} ${found?.reason ?? ''}`.trim();
}

/** Whether Serving would call it ready. */
export function isReady(ingress: Ingress): boolean {
  return conditionOf(ingress, 'Ready') === 'True';
}

/** A network layer with Services v1, v2 and v3, a server behind each. */
export interface Stand extends IngressStand {
  /** Points a Service at upstreams. */
  readonly serve: (service: string, upstreams: readonly string[]) => Promise<void>;
  readonly split: (serviceName: string, percent?: number, more?: object) => object;
}

/** Starts a {@link Stand}, perhaps without its controller and its Envoy. */
export async function standOf(t: ExecutionContext, isWhole = true): Promise<Stand> {
  t.timeout(120_000);
  const { client, upstreams } = await started;
  const stand = await startStand(t, client, isWhole);
  const serve: Stand['serve'] = async (service, names) => {
    const places = names.map((name) => ({
      address: upstreams.address,
      port: upstreams.ports[name] ?? 0,
    }));
    await stand.endpoints(service, places);
  };
  for (const name of ['v1', 'v2', 'v3']) {
    await stand.service(name);
    await serve(name, [name]);
  }
  const split: Stand['split'] = (serviceName, percent, more = {}) => ({
    serviceNamespace: stand.namespace,
    serviceName,
    servicePort: 80,
    ...(percent !== undefined && { percent }),
    ...more,
  });
  return Object.assign(stand, { serve, split });
}

/** The host of {@link rule}. */
export const host = 'app.example.test';

/** A rule of one host on the external port. */
export function rule(paths: readonly object[], more: object = {}): object {
  return { hosts: [host], visibility: 'ExternalIP', http: { paths }, ...more };
}
