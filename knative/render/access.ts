import { kinds, type Kind } from '../resources/kinds.ts';
import { apiVersion } from '../resources/meta.ts';
import { announcedKinds, resourceEvents } from './api-server-source.ts';
import { functionTable, type KindAccess, type OtherAccess, type Verb } from './function-table.ts';
import type { Installation } from './installation.ts';
import { commonLabels, type KubernetesObject } from './kubernetes-object.ts';
import { serviceAccount, type ServiceAccount } from './service-account.ts';

/** What one may do in every namespace: that is where users keep their objects. */
export interface ClusterRole extends KubernetesObject {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'ClusterRole';
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly Verb[];
  }[];
}

/** Gives a ClusterRole to a ServiceAccount. */
export interface ClusterRoleBinding extends KubernetesObject {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'ClusterRoleBinding';
  readonly roleRef: {
    readonly apiGroup: 'rbac.authorization.k8s.io';
    readonly kind: 'ClusterRole';
    readonly name: string;
  };
  readonly subjects: readonly {
    readonly kind: 'ServiceAccount';
    readonly namespace: string;
    readonly name: string;
  }[];
}

/** What one may do in one namespace. */
export interface Role extends KubernetesObject {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'Role';
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly Verb[];
  }[];
}

/** Gives a Role to a ServiceAccount. */
export interface RoleBinding extends KubernetesObject {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'RoleBinding';
  readonly roleRef: {
    readonly apiGroup: 'rbac.authorization.k8s.io';
    readonly kind: 'Role';
    readonly name: string;
  };
  readonly subjects: ClusterRoleBinding['subjects'];
}

/** Whom the API server knows, and what it lets them do with our kinds. */
export interface Account {
  readonly name: string;
  readonly access: readonly KindAccess[];
  /** What it may do with kinds that are not ours. */
  readonly others?: readonly OtherAccess[];
}

/** What a source must be allowed, by Knative's own check, for each kind. */
const watching: readonly Verb[] = ['get', 'list', 'watch'];

/** Every function on Knative, and the source of resource events. */
export function knativeAccounts({ controlPlane: { istio } }: Installation): readonly Account[] {
  return [
    ...functionTable.map(({ name, access, others = [], onIstio = [] }) => ({
      name,
      access,
      others: istio ? [...others, ...onIstio] : others,
    })),
    {
      name: resourceEvents,
      access: announcedKinds().map((kind) => ({ kind, verbs: watching })),
    },
  ];
}

/** Accounts, then roles, then who has them. */
export function accessObjects(
  installation: Installation,
  accounts: readonly Account[] = knativeAccounts(installation),
): (ServiceAccount | ClusterRole | ClusterRoleBinding)[] {
  return [
    ...accounts.map(({ name }) => serviceAccount(installation, name)),
    ...accounts.map((account) => clusterRole(installation, account)),
    ...accounts.map((account) => clusterRoleBinding(installation, account)),
  ];
}

function clusterRole(
  installation: Installation,
  { name, access, others = [] }: Account,
): ClusterRole {
  const [group = ''] = apiVersion.split('/');
  const rule = (resource: string, verbs: readonly Verb[]) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [...verbs],
  });
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: clusterWide(installation, name),
    rules: [
      ...others.map(({ group: other, resource, verbs }) => ({
        apiGroups: [other],
        resources: [resource],
        verbs: [...verbs],
      })),
      ...access.flatMap(({ kind, verbs, status }) => [
        rule(pluralOf(kind), verbs),
        ...(status === true ? [rule(`${pluralOf(kind)}/status`, ['update'])] : []),
      ]),
    ],
  };
}

function clusterRoleBinding(installation: Installation, { name }: Account): ClusterRoleBinding {
  const metadata = clusterWide(installation, name);
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: metadata.name,
    },
    subjects: [{ kind: 'ServiceAccount', namespace: installation.namespace, name }],
  };
}

/** Two installations in one cluster must not write the same object. */
function clusterWide(installation: Installation, name: string) {
  return {
    name: `${installation.namespace}-${name}`,
    labels: commonLabels(installation, 'access', name),
  };
}

function pluralOf(kind: Kind): string {
  const info = kinds.find((candidate) => candidate.kind === kind);
  if (info === undefined) throw new TypeError(`kind ${kind} has no entry`);
  return info.plural;
}
