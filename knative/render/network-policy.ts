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
 * Nothing but this port is reached. From anywhere: agents come with the addresses of nodes, which no NetworkPolicy knows, and who comes
 * has to show a token. What a pod may reach itself is not said: an API server has no name there either.
 */
export function portPolicy(
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
        ingress: [{ ports: [{ protocol: 'TCP', port }] }],
      },
    },
  ];
}
