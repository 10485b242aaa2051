import { z } from 'zod';
import { completedRequests } from '../../../cloverctl/demo/completed-requests.ts';
import type { Manifest, Stage } from '../../../cloverctl/demo/stage.ts';
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
