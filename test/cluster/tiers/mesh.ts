import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntilReady } from '../../../cloverctl/supervisor/readiness.ts';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import type { RunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import type { Programs } from '../build.ts';
import { applyDefinitionsOf } from '../crds.ts';
import { startSidecar, type MeshPod } from '../mesh/sidecar.ts';
import { makeNetwork, type NodeNetwork } from '../node/network.ts';
import { startApi, type ApiTier } from './api.ts';

/** Istio's control plane over a Kubernetes API, and a network for proxies. Nothing runs pods. */
export interface MeshTier extends ApiTier {
  readonly client: KubeClient;
  /** Addresses, and the namespace that proxies run in. */
  readonly network: NodeNetwork;
  /** Starts the proxy of a pod; resolves when it has its configuration. */
  startSidecar(pod: MeshPod): Promise<void>;
}

/** Options of {@link startMesh}. */
export interface MeshOptions {
  readonly run: RunFolder;
  readonly supervisor: Supervisor;
  readonly programs: Programs;
  /** More arguments of kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
}

const namespace = 'istio-system';

/** What istiod puts into a proxy that an Envoy without Istio's own filters would refuse is left out. */
const forUpstreamEnvoy = {
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
  PILOT_ENABLE_ALPN_FILTER: 'false',
} as const;

/**
 * Starts the tier: a Kubernetes API with Istio's definitions, the Gateway API's, and istiod, which checks what is written. Traffic between
 * proxies is in plain text.
 * @throws Error with the end of a log when a program ends, or is not ready in a minute.
 */
export async function startMesh(options: MeshOptions): Promise<MeshTier> {
  const { run, supervisor, programs } = options;
  const folder = join(run.path, 'mesh');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [network, api] = await Promise.all([
    makeNetwork(run),
    startApi({ ...options, folder: join(run.path, 'api') }),
  ]);
  const client = createKubeClient(await kubeconfigConnection(api.kubeconfig));
  for (const file of ['istio-crds.yaml', 'gateway-crds.yaml']) {
    await applyDefinitionsOf(client, programs[file] ?? file);
  }
  const [port, http, monitoring, webhook] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const xds = { address: network.host, port };
  const apply = (path: string, body: object): Promise<unknown> =>
    client.call({
      method: 'PATCH',
      path,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'test', force: 'true' },
      body,
    });
  await apply(`/api/v1/namespaces/${namespace}`, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  await apply(`/apis/security.istio.io/v1/namespaces/${namespace}/peerauthentications/default`, {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default' },
    // Otherwise inbound listeners wait for certificates that only pilot-agent gets.
    spec: { mtls: { mode: 'DISABLE' } },
  });
  const validator = validatorOf(webhook);
  await apply(
    `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${validator.metadata.name}`,
    validator,
  );
  const meshConfig = join(folder, 'mesh.json');
  writeFileSync(meshConfig, JSON.stringify(meshConfigOf(`${xds.address}:${xds.port}`)));
  await supervisor.start({
    name: 'istiod',
    command: programs['pilot-discovery'] ?? 'pilot-discovery',
    args: [
      'discovery',
      `--kubeconfig=${api.kubeconfig}`,
      `--meshConfig=${meshConfig}`,
      `--grpcAddr=${xds.address}:${xds.port}`,
      `--httpAddr=127.0.0.1:${http}`,
      `--monitoringAddr=127.0.0.1:${monitoring}`,
      `--httpsAddr=127.0.0.1:${webhook}`,
      '--secureGRPCAddr=',
      '--ctrlz_port=0',
    ],
    cwd: folder,
    env: {
      ...forUpstreamEnvoy,
      POD_NAME: 'istiod-0',
      POD_NAMESPACE: namespace,
      REVISION: 'default',
      ISTIOD_CUSTOM_HOST: 'localhost',
      VALIDATION_WEBHOOK_CONFIG_NAME: validator.metadata.name,
      INJECTION_WEBHOOK_CONFIG_NAME: '',
    },
  });
  await waitUntilReady({
    supervisor,
    name: 'istiod',
    probe: { url: `http://127.0.0.1:${http}/ready` },
    withinMs: 60_000,
  });
  const startProxy = (pod: MeshPod): Promise<void> =>
    startSidecar({ supervisor, folder, xds, network: network.namespace, pod });
  return { ...api, client, network, startSidecar: startProxy };
}

function meshConfigOf(discoveryAddress: string): object {
  return {
    enableAutoMtls: false,
    enablePrometheusMerge: false,
    // The default of Istio's chart is a filter of Istio's own.
    defaultProviders: {},
    ingressControllerMode: 'OFF',
    defaultConfig: { discoveryAddress, tracing: {} },
  };
}

/** istiod itself puts its certificate in, and lets writes fail without it once it serves. */
function validatorOf(port: number) {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: {
      name: 'istio-validator-istio-system',
      labels: { app: 'istiod', istio: 'istiod', 'istio.io/rev': 'default' },
    },
    webhooks: [
      {
        name: 'rev.validation.istio.io',
        clientConfig: { url: `https://localhost:${port}/validate` },
        rules: [
          {
            operations: ['CREATE', 'UPDATE'],
            apiGroups: ['networking.istio.io', 'security.istio.io'],
            apiVersions: ['*'],
            resources: ['*'],
          },
        ],
        failurePolicy: 'Ignore',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}
