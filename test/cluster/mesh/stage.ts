import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import type { MeshPod } from './sidecar.ts';

const namespace = 'shop';
const port = { name: 'http', port: 8080, protocol: 'TCP' } as const;

/** A client and a pod of either version, at addresses of a range. */
export function meshPods(range: string): readonly [MeshPod, MeshPod, MeshPod] {
  const [network = ''] = range.split('.0/');
  const pod = (name: string, last: number, labels: MeshPod['labels']): MeshPod => ({
    name,
    namespace,
    address: `${network}.${last}`,
    labels,
  });
  return [
    pod('client', 8, { app: 'client' }),
    pod('proxy-v1', 11, { app: 'proxy', version: 'v1' }),
    pod('proxy-v2', 12, { app: 'proxy', version: 'v2' }),
  ];
}

/**
 * Applies what istiod has to know of them: pods, which nothing runs, the Service `proxy`, and where each proxy listens.
 * @param socketOf path of the socket that the server of a version listens on.
 */
export async function applyMeshObjects(
  client: KubeClient,
  pods: readonly MeshPod[],
  socketOf: (version: string) => string,
): Promise<void> {
  const apply = (path: string, body: object): Promise<unknown> =>
    client.call({
      method: 'PATCH',
      path,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'test', force: 'true' },
      body,
    });
  const core = { apiVersion: 'v1' } as const;
  await apply(`/api/v1/namespaces/${namespace}`, {
    ...core,
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  // Pods of a node that is none are taken away by Kubernetes.
  await apply('/api/v1/nodes/mesh', { ...core, kind: 'Node', metadata: { name: 'mesh' } });
  await apply(`/api/v1/namespaces/${namespace}/serviceaccounts/default`, {
    ...core,
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  });
  for (const { name, address, labels } of pods) {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const pod = { ...core, kind: 'Pod', metadata: { name, labels } };
    const containers = [{ name: 'proxy', image: 'none' }];
    await apply(path, { ...pod, spec: { nodeName: 'mesh', containers } });
    await apply(`${path}/status`, {
      ...pod,
      status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] },
    });
    const { version } = labels;
    await apply(`/apis/networking.istio.io/v1/namespaces/${namespace}/sidecars/${name}`, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata: { name },
      spec: { workloadSelector: { labels }, ...listenersOf(address, version && socketOf(version)) },
    });
  }
  const servers = pods.filter(({ labels }) => labels['version'] !== undefined);
  await apply(`/api/v1/namespaces/${namespace}/services/proxy`, {
    ...core,
    kind: 'Service',
    metadata: { name: 'proxy' },
    spec: { ports: [{ ...port, targetPort: port.port }] },
  });
  await apply(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/proxy`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'proxy', labels: { 'kubernetes.io/service-name': 'proxy' } },
    addressType: 'IPv4',
    ports: [port],
    endpoints: servers.map(({ name, address }) => ({
      addresses: [address],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name, namespace },
    })),
  });
}

/** A server's proxy takes requests for it; a client's those that the client sends. */
function listenersOf(bind: string, socket: string | undefined): object {
  const listener = {
    port: { number: port.port, protocol: 'HTTP', name: port.name },
    bind,
    captureMode: 'NONE',
  };
  return socket === undefined
    ? { egress: [{ ...listener, hosts: ['./*'] }] }
    : {
        ingress: [{ ...listener, defaultEndpoint: `unix://${socket}` }],
        egress: [{ hosts: ['./*'] }],
      };
}
