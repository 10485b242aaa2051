import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../functions/lib/free-port.ts';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { applyDefinitionsOf } from '../crds.ts';
import { keptImage } from '../image.ts';
import { injectionFiles } from '../mesh/injection.ts';
import { startIstiod, type Istiod } from '../mesh/istiod.ts';
import { controlPlaneObjects } from '../mesh/objects.ts';
import { proxyImage, proxyImageName } from '../mesh/proxy-image.ts';
import { waitForWebhooks } from '../webhooks.ts';
import { startNode, type NodeOptions, type NodeTier } from './node.ts';

/** A node whose pods get a proxy of Istio's where their namespace asks for it, and Gateways that become pods. */
export interface MeshTier extends NodeTier {
  /** Calls of the API server as an administrator. */
  readonly client: KubeClient;
  readonly istiod: Istiod;
}

/**
 * Starts the tier: a node, the definitions of Istio and the Gateway API, and istiod, which checks what is written, gives pods a proxy
 * and each proxy a certificate. Traffic between proxies is in plain text.
 * @throws Error with the end of a log when a program ends, or is not ready in two minutes.
 */
export async function startMesh(options: NodeOptions): Promise<MeshTier> {
  const { run, supervisor, programs } = options;
  const folder = join(run.path, 'mesh');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name: string): string => programs[name] ?? name;
  const [node, image] = await Promise.all([startNode(options), keptImage(proxyImage(programs))]);
  const client = createKubeClient(await kubeconfigConnection(node.kubeconfig));
  const startControlPlane = async (): Promise<Istiod> => {
    for (const definitions of ['istio-crds.yaml', 'gateway-crds.yaml']) {
      await applyDefinitionsOf(client, file(definitions));
    }
    const site = { host: node.network.host, webhookPort: await freePort() };
    const items = controlPlaneObjects(site);
    // The API server checks it: to ask for all schemas takes kubectl half a minute on a busy machine.
    await node.kubectl(
      ['apply', '--server-side', '--validate=false', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    );
    const texts = {
      sidecar: await readFile(file('istio-sidecar.yaml'), 'utf8'),
      gateway: await readFile(file('istio-gateway.yaml'), 'utf8'),
      values: await readFile(file('istio-values.yaml'), 'utf8'),
    };
    const started = await startIstiod({
      ...site,
      supervisor,
      program: file('pilot-discovery'),
      folder,
      kubeconfig: node.kubeconfig,
      injection: injectionFiles(texts, proxyImageName),
    });
    await waitForWebhooks(node);
    return started;
  };
  const [istiod] = await Promise.all([startControlPlane(), node.importImage(image)]);
  return { ...node, client, istiod };
}
