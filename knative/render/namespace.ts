import type { Installation } from './installation.ts';
import { commonLabels, type KubernetesObject } from './kubernetes-object.ts';

/** The Namespace of an installation, with the level of Pod Security that it enforces, if one is wished for. */
export function namespaceObject(installation: Installation): KubernetesObject {
  const { namespace, podSecurity } = installation;
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
