import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../access.ts';
import type { Installation } from '../installation.ts';
import { commonLabels, namespaced } from '../kubernetes-object.ts';
import { serviceAccount, type ServiceAccount } from '../service-account.ts';
import { admission, certificateSecret, configurationName } from './names.ts';

/** Two objects by their names, and nothing else: its Secret, and the configuration that names whom to trust. */
export function admissionAccess(
  installation: Installation,
): (ServiceAccount | Role | RoleBinding | ClusterRole | ClusterRoleBinding)[] {
  const { namespace } = installation;
  const own = namespaced(installation, 'access', admission, admission);
  const wide = {
    name: configurationName(installation),
    labels: commonLabels(installation, 'access', admission),
  };
  const subjects = [{ kind: 'ServiceAccount' as const, namespace, name: admission }];
  const apiGroup = 'rbac.authorization.k8s.io' as const;
  const apiVersion = `${apiGroup}/v1` as const;
  const verbs = ['get', 'patch'] as const;
  const secret = { apiGroups: [''], resources: ['secrets'], resourceNames: [certificateSecret] };
  const configuration = {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['validatingwebhookconfigurations'],
    resourceNames: [configurationName(installation)],
  };
  return [
    serviceAccount(installation, admission),
    { apiVersion, kind: 'Role', metadata: own, rules: [{ ...secret, verbs }] },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: own,
      roleRef: { apiGroup, kind: 'Role', name: own.name },
      subjects,
    },
    { apiVersion, kind: 'ClusterRole', metadata: wide, rules: [{ ...configuration, verbs }] },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: wide,
      roleRef: { apiGroup, kind: 'ClusterRole', name: wide.name },
      subjects,
    },
  ];
}
