import type { ClusterRole, ClusterRoleBinding } from '../access.ts';
import { commonLabels, namespaced } from '../kubernetes-object.ts';
import type { ServiceAccount } from '../service-account.ts';
import { clusterWideName, ingress } from './names.ts';
import type { NetworkLayer } from './settings.ts';

/** Reads what routes are made of, in every namespace; writes the statuses of Ingresses, and nothing else. */
export function networkLayerAccess(
  layer: NetworkLayer,
): (ServiceAccount | ClusterRole | ClusterRoleBinding)[] {
  const { namespace, pullSecrets } = layer;
  const metadata = { name: clusterWideName(layer), labels: commonLabels(layer, 'access', ingress) };
  const group = 'networking.internal.knative.dev';
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: namespaced(layer, 'access', ingress, ingress),
      ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata,
      rules: [
        { apiGroups: [group], resources: ['ingresses'], verbs: ['list', 'watch'] },
        { apiGroups: [group], resources: ['ingresses/status'], verbs: ['patch'] },
        { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] },
        {
          apiGroups: ['discovery.k8s.io'],
          resources: ['endpointslices'],
          verbs: ['list', 'watch'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: metadata.name,
      },
      subjects: [{ kind: 'ServiceAccount', namespace, name: ingress }],
    },
  ];
}
