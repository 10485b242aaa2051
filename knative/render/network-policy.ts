import { selectorOf } from './control-plane/deployment.ts';
import type { Installation } from './installation.ts';
import { namespaced, type KubernetesObject } from './kubernetes-object.ts';

/** Who may open connections to some pods. */
export interface NetworkPolicy extends KubernetesObject {
  readonly apiVersion: 'networking.k8s.io/v1';
  readonly kind: 'NetworkPolicy';
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Record<string, string> };
    readonly policyTypes: readonly 'Ingress'[];
    readonly ingress: readonly {
      readonly from: readonly { readonly podSelector: object }[];
      readonly ports: readonly { readonly protocol: 'TCP'; readonly port: number }[];
    }[];
  };
}

/**
 * Only pods of the installation's namespace reach this port; the node, with its probes and `kubectl port-forward`, always does. What a
 * pod may reach itself is not said: an API server has no name in a NetworkPolicy.
 */
export function namespacePolicy(
  installation: Installation,
  name: string,
  port: number,
): NetworkPolicy[] {
  if (!installation.networkPolicies) return [];
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: namespaced(installation, 'access', name, name),
      spec: {
        podSelector: { matchLabels: selectorOf(installation, name) },
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port }] }],
      },
    },
  ];
}
