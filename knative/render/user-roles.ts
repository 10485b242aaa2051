import { eventsApiVersion } from '../kubernetes-event.ts';
import { kinds } from '../resources/kinds.ts';
import { apiVersion } from '../resources/meta.ts';
import type { ClusterRole } from './access.ts';
import type { Installation } from './installation.ts';
import { commonLabels, type KubernetesObject } from './kubernetes-object.ts';

/** What people, and what scrapes, may do in the namespaces, or the cluster, that a binding names. */
export interface UserRole extends KubernetesObject {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'ClusterRole';
  readonly rules: readonly (ClusterRole['rules'][number] | PathRule)[];
}

interface PathRule {
  readonly nonResourceURLs: readonly string[];
  /** Methods of HTTP. */
  readonly verbs: readonly ('delete' | 'get' | 'post')[];
}

/** The group of an `apiVersion`. */
const groupOf = (groupVersion: string): string => groupVersion.replace(/\/.*$/, '');

/**
 * What people may do with our objects who may view, edit or administer a namespace or the cluster: parts of the roles that every cluster
 * has for that; and what a Prometheus needs to scrape. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
 */
export function userRoles(installation: Installation): UserRole[] {
  const apiGroups = [groupOf(apiVersion)];
  const all = kinds.map(({ plural }) => plural);
  const writable = kinds.filter((info) => info.writable).map(({ plural }) => plural);
  return [
    role(
      installation,
      'view',
      ['view', 'edit', 'admin'],
      [
        { apiGroups, resources: all, verbs: ['get', 'list', 'watch'] },
        { apiGroups, resources: all.map((plural) => `${plural}/status`), verbs: ['get'] },
        // Of the first API group of Kubernetes a viewer has them already.
        {
          apiGroups: [groupOf(eventsApiVersion)],
          resources: ['events'],
          verbs: ['get', 'list', 'watch'],
        },
        // What the API answers beside objects is of all namespaces: only who has the role in the whole cluster gets this part of it.
        { nonResourceURLs: ['/v1/*'], verbs: ['get'] },
      ],
    ),
    role(
      installation,
      'edit',
      ['edit', 'admin'],
      [
        {
          apiGroups,
          resources: writable,
          verbs: ['create', 'delete', 'deletecollection', 'patch', 'update'],
        },
        { nonResourceURLs: ['/v1/deadletters/*'], verbs: ['delete', 'post'] },
      ],
    ),
    // No part of the others: who has it may read the metrics of the API server, too.
    role(installation, 'metrics-reader', [], [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]),
  ];
}

function role(
  installation: Installation,
  name: string,
  partOf: readonly string[],
  rules: UserRole['rules'],
): UserRole {
  const parts: Record<string, string> = Object.fromEntries(
    partOf.map((whole) => [`rbac.authorization.k8s.io/aggregate-to-${whole}`, 'true']),
  );
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: {
      name: `${installation.namespace}-${name}`,
      labels: { ...commonLabels(installation, 'access'), ...parts },
    },
    rules,
  };
}
