import type { Role, RoleBinding } from './access.ts';
import { functionTable, ownSchedulesOf } from './function-table.ts';
import type { Installation } from './installation.ts';
import { namespaced } from './kubernetes-object.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const apiVersion = `${apiGroup}/v1`;

/**
 * What functions may do that start and end ticks of their own: make PingSources in the namespace (the right to make something
 * cannot be held to a name), read and delete those of their names, and read their own Service, which a PingSource belongs to.
 */
export function tickAccess(installation: Installation): (Role | RoleBinding)[] {
  return functionTable.flatMap(({ name }) => {
    const schedules = ownSchedulesOf(name);
    if (schedules.length === 0) return [];
    const metadata = namespaced(installation, 'access', name, name);
    const sources = { apiGroups: ['sources.knative.dev'], resources: ['pingsources'] };
    const role: Role = {
      apiVersion,
      kind: 'Role',
      metadata,
      rules: [
        { ...sources, verbs: ['create'] },
        { ...sources, resourceNames: schedules.map((each) => each.name), verbs: ['get', 'delete'] },
        {
          apiGroups: ['serving.knative.dev'],
          resources: ['services'],
          resourceNames: [name],
          verbs: ['get'],
        },
      ],
    };
    const { namespace } = installation;
    const binding: RoleBinding = {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    };
    return [role, binding];
  });
}
