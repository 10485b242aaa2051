import { z } from 'zod';
import { completedRequests } from '../../../cloverctl/demo/completed-requests.ts';
import type { Manifest, Stage } from '../../../cloverctl/demo/stage.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { readNodeLedger } from '../installation/node-agent.ts';
import { clientPlan, endClient, startClient } from '../sdc/client.ts';
import { sdcManifests } from '../sdc/manifests.ts';
import type { NodeTier } from '../tiers/node.ts';
import type { Command } from './commands.ts';

/** What stands on the cluster. */
export interface ClusterParts extends Pick<Stage, 'client' | 'clock' | 'screen' | 'signal'> {
  readonly kubectl: Command;
  readonly network: NodeTier['network'];
}

const inSample = ['-n', 'sdc'] as const;
/** Asks the Envoy of the gateway's pod. */
const ofGateway = 'exec -n sdc deployment/gateway -c istio-proxy -- pilot-agent request GET'.split(
  ' ',
);
const pods = z.object({ items: z.array(z.unknown()) });

const files: Readonly<Record<Manifest, string>> = {
  'experiment-drill': sdcManifests.experiment('drill'),
  'experiment-shift': sdcManifests.experiment('shift'),
  'policy-v1': sdcManifests.policy('v1'),
  'policy-v1-v2': sdcManifests.policy('v1-v2'),
  'policy-v2-v3': sdcManifests.policy('v2-v3'),
  tap: sdcManifests.tap,
};

/** The story on a cluster: Deployments with sidecars of Istio, Clover's functions on Knative, an agent on the node. */
export function createClusterStage(parts: ClusterParts): Stage {
  const { kubectl, network, client, screen, clock, signal } = parts;
  return {
    client,
    screen,
    clock,
    signal,
    // Functions start from zero on the way, on two processors that run a whole cluster.
    limits: { followMs: 240_000, runMs: 660_000 },
    apply: async (manifest) => {
      await kubectl.run(['apply', '-f', files[manifest]]);
    },
    addVersion: async (version) => {
      await kubectl.run(['apply', '-f', sdcManifests.version(version)]);
      const deployment = [...inSample, `deployment/proxy-${version}`, '--timeout=120s'];
      await kubectl.run(['rollout', 'status', ...deployment]);
    },
    isTraced: async () => {
      const running = ['--field-selector=status.phase=Running', '-o', 'json'];
      const found = await kubectl.run(['get', 'pods', ...inSample, ...running]);
      const { attachments } = await readNodeLedger({ network });
      return attachments.attached === pods.parse(JSON.parse(found)).items.length;
    },
    isStamping: async () => {
      const routes = 'config_dump?resource=dynamic_route_configs';
      return (await kubectl.run([...ofGateway, routes])).includes('x-clover-arm');
    },
    startLoad: async () => {
      const cluster = { kubectl: kubectl.run };
      await startClient(cluster);
      screen.note(`a proxy refuses who shows no certificate: ${await plainTextToProxy(kubectl)}`);
      return { rate: clientPlan().rate, stop: () => endClient(cluster) };
    },
    proxied: async () => {
      const statistics = 'stats?format=json&filter=upstream_rq_completed';
      const cluster = /^outbound\|8080\|([^|]+)\|proxy\.sdc\.svc\.cluster\.local;?$/;
      const said = await kubectl.run([...ofGateway, statistics]);
      // pilot-agent logs where it answers.
      return completedRequests(said.slice(said.indexOf('{')), cluster);
    },
  };
}

/** Port of nginx's own counters, which no Tap names. */
const countersPort = 8081;

/**
 * The error that the client, which is not in the mesh, gets of a proxy.
 * @throws CloverError CLV_CONFLICT if it is answered: the mesh takes plain text.
 */
async function plainTextToProxy(kubectl: Command): Promise<string> {
  const proxy = [...inSample, 'pod', '-l', 'app.kubernetes.io/name=proxy'];
  const address = await kubectl.run(['get', ...proxy, '-o', 'jsonpath={.items[0].status.podIP}']);
  const script = `fetch('http://${address}:${countersPort}/').then(({ status }) => console.log(status), ({ cause }) => console.log(cause.code))`;
  const node = ['/usr/local/bin/node', '-e', script];
  const said = (await kubectl.run(['exec', ...inSample, 'job/client', '--', ...node])).trim();
  if (/^\d+$/.test(said)) {
    throw new CloverError(
      'CLV_CONFLICT',
      `a proxy answers plain text with ${said}: mTLS is not STRICT`,
    );
  }
  return said;
}
