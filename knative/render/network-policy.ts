import type { Installation } from './installation.ts';
import { namespaced, selectorOf, type KubernetesObject } from './kubernetes-object.ts';

/** Who may open connections to some pods. */
export interface NetworkPolicy extends KubernetesObject {
  readonly apiVersion: 'networking.k8s.io/v1';
  readonly kind: 'NetworkPolicy';
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Record<string, string> };
    readonly policyTypes: readonly 'Ingress'[];
    readonly ingress: readonly {
      readonly ports: readonly { readonly protocol: 'TCP'; readonly port: number }[];
    }[];
  };
}

/**
 * Nothing but this port is reached. From anywhere: agents and API servers come with the addresses of nodes, which no NetworkPolicy knows. The
 * control plane asks for a token, and the webhook only answers whether an object is well made. What a pod may reach itself is not said: an API server has no name there either.
 */
export function portPolicy(
  installation: Installation,
  name: string,
  port: number,
): NetworkPolicy[] {
  return policyOf(installation, {
    name,
    matchLabels: selectorOf(installation, name),
    ports: [port],
  });
}

/**
 * Ports of the queue-proxy: requests in HTTP/1, HTTP/2 and TLS, and what the autoscaler reads. Not 8022, its admin port: who reaches that
 * starts a drain. The kubelet alone asks there (`preStop`), and no NetworkPolicy keeps out what comes from a pod's own node.
 * https://github.com/knative/serving/blob/main/pkg/networking/constants.go
 * https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
const queueProxyPorts = [8012, 8013, 8112, 9090, 9091];

/**
 * Functions are reached through the queue-proxy alone, which counts what it lets in. From anywhere: the gateway of a cluster's network
 * layer is in a namespace that only its owner knows.
 */
export function functionPolicy(installation: Installation): NetworkPolicy[] {
  const { namespace } = installation;
  const matchLabels = {
    'app.kubernetes.io/component': 'function',
    'app.kubernetes.io/instance': namespace,
  };
  return policyOf(installation, { name: 'functions', matchLabels, ports: queueProxyPorts });
}

function policyOf(
  installation: Installation,
  {
    name,
    matchLabels,
    ports,
  }: {
    readonly name: string;
    readonly matchLabels: Record<string, string>;
    readonly ports: readonly number[];
  },
): NetworkPolicy[] {
  if (!installation.networkPolicies) return [];
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: namespaced(installation, 'access', name, name),
      spec: {
        podSelector: { matchLabels },
        policyTypes: ['Ingress'],
        ingress: [{ ports: ports.map((port) => ({ protocol: 'TCP', port })) }],
      },
    },
  ];
}
