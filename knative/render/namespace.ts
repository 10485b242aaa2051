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
        ...(podSecurity !== undefined && { 'pod-security.kubernetes.io/enforce': podSecurity }),
      },
    },
  };
}
