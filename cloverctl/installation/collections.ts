import type { KubernetesObject } from '../../knative/render/kubernetes-object.ts';

/** An object of a cluster by all that its address takes. */
export interface Place {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** Absent for kinds that are not in a namespace. */
  readonly namespace?: string;
  readonly name: string;
}

/** The plural of every kind that an installation may have, by its group. */
const plurals: Readonly<Record<string, string>> = {
  '/ConfigMap': 'configmaps',
  '/Namespace': 'namespaces',
  '/PersistentVolumeClaim': 'persistentvolumeclaims',
  '/Secret': 'secrets',
  '/Service': 'services',
  '/ServiceAccount': 'serviceaccounts',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': 'validatingwebhookconfigurations',
  'apiextensions.k8s.io/CustomResourceDefinition': 'customresourcedefinitions',
  'apps/DaemonSet': 'daemonsets',
  'apps/Deployment': 'deployments',
  'eventing.knative.dev/Broker': 'brokers',
  'eventing.knative.dev/EventPolicy': 'eventpolicies',
  'eventing.knative.dev/Trigger': 'triggers',
  'networking.k8s.io/NetworkPolicy': 'networkpolicies',
  'policy/PodDisruptionBudget': 'poddisruptionbudgets',
  'rbac.authorization.k8s.io/ClusterRole': 'clusterroles',
  'rbac.authorization.k8s.io/ClusterRoleBinding': 'clusterrolebindings',
  'rbac.authorization.k8s.io/Role': 'roles',
  'rbac.authorization.k8s.io/RoleBinding': 'rolebindings',
  'serving.knative.dev/Service': 'services',
  'sources.knative.dev/ApiServerSource': 'apiserversources',
  'sources.knative.dev/PingSource': 'pingsources',
  'sources.knative.dev/SinkBinding': 'sinkbindings',
};

const clusterWide: ReadonlySet<string> = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'Namespace',
  'ValidatingWebhookConfiguration',
]);

/** A kind of objects that an installation may have. */
export interface InstallationKind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** Its objects are in no namespace. */
  readonly isClusterWide: boolean;
}

/** Every kind that an installation may have. */
export const installationKinds: readonly InstallationKind[] = Object.entries(plurals).map(
  ([name, plural]) => {
    const [group = '', kind = ''] = name.split('/');
    return { group, kind, plural, isClusterWide: clusterWide.has(kind) };
  },
);

/** The group of an `apiVersion`; the empty text for Kubernetes' own first one. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.replace(/\/.*$/, '') : '';
}

/** Where an object of an installation is. */
export function placeOf({ apiVersion, kind, metadata }: KubernetesObject): Place {
  const plural = plurals[`${groupOf(apiVersion)}/${kind}`];
  if (plural === undefined) throw new TypeError(`${apiVersion} ${kind} has no plural`);
  const { namespace, name } = metadata;
  return { apiVersion, kind, plural, ...(namespace !== undefined && { namespace }), name };
}

/** The path of a collection on an API server. */
export function collectionPath({
  apiVersion,
  plural,
  namespace,
}: Pick<Place, 'apiVersion' | 'namespace' | 'plural'>): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${plural}`;
}

/** The path of an object on an API server. */
export function objectPath(place: Place): string {
  return `${collectionPath(place)}/${encodeURIComponent(place.name)}`;
}

/** How kubectl calls an object: `deployment.apps/control-plane`. */
export function titleOf({ apiVersion, kind, name }: Place): string {
  const group = groupOf(apiVersion);
  return `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${name}`;
}

/** Two of one address are the same object, whatever the version that it is asked in. */
export function keyOf({ apiVersion, plural, namespace = '', name }: Place): string {
  return [groupOf(apiVersion), plural, namespace, name].join('/');
}
