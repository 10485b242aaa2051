import type { Installation } from './installation.ts';
import { commonLabels, type KubernetesObject } from './kubernetes-object.ts';

/** The Namespace of an installation, with the level of Pod Security that it enforces: agents need the highest one; else that which is wished for. */
export function namespaceObject(installation: Installation): KubernetesObject {
  const { namespace, agent } = installation;
  const { podSecurity = agent.enabled ? 'privileged' : undefined } = installation;
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: {
        ...commonLabels(installation, 'installation'),
        // Knative asks for a sidecar beside its adapter of an ApiServerSource: one of 30 MiB, for calls that Istio knows nothing of.
        'istio-injection': 'disabled',
        ...(podSecurity !== undefined && { 'pod-security.kubernetes.io/enforce': podSecurity }),
      },
    },
  };
}
