import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { readable } from './live-object.ts';
import { gatewayNamespaces } from './network-layer.ts';

/** What a cluster has. */
export interface Findings {
  /** Of Kubernetes, such as `v1.37.2`. */
  readonly version: string;
  /** Versions, as far as they can be told; undefined: it is not there. */
  readonly serving: string | undefined;
  readonly eventing: string | undefined;
  readonly istio: string | undefined;
  /** Versions of APIs that Clover speaks and what is there does not serve, such as `networking.istio.io/v1`. */
  readonly unserved: readonly string[];
  /** Namespaces of the gateways that carry requests to Knative Services; undefined: it cannot be told. */
  readonly gateways: readonly string[] | undefined;
  /** A claim without a class gets a volume; undefined: one may not look. */
  readonly hasDefaultStorage: boolean | undefined;
}

const serverVersion = z.object({ gitVersion: z.string() });
const groups = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      versions: z.array(z.object({ groupVersion: z.string() })).default([]),
    }),
  ),
});
const labelled = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});

const defaultClass = 'storageclass.kubernetes.io/is-default-class';

/** APIs of others that Clover speaks, and what serves them. */
export const spokenApis: Readonly<Record<string, string>> = {
  'eventing.knative.dev/v1': 'a newer Knative Eventing',
  'networking.istio.io/v1': 'Istio 1.22 or newer',
  'serving.knative.dev/v1': 'a newer Knative Serving',
  'sources.knative.dev/v1': 'a newer Knative Eventing',
};

/** Looks at a cluster; changes nothing, and takes what it may not see for what is not known. */
export async function discover(client: KubeClient): Promise<Findings> {
  const get = (path: string): Promise<unknown> => client.call({ method: 'GET', path });
  const { gitVersion } = serverVersion.parse(await get('/version'));
  const found = groups.parse(await get('/apis')).groups;
  const names = new Set(found.map(({ name }) => name));
  const served = new Set(
    found.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion)),
  );
  const versionOf = async (group: string, path: string, label: string) => {
    if (!names.has(group)) return undefined;
    const owner = await readable(get(path));
    return (owner === undefined ? {} : labelled.parse(owner).metadata.labels)[label] ?? 'unknown';
  };
  const servingMap = (name: string): Promise<unknown> =>
    readable(get(`/api/v1/namespaces/knative-serving/configmaps/${name}`));
  const label = 'app.kubernetes.io/version';
  const classes = await readable(get('/apis/storage.k8s.io/v1/storageclasses'));
  const items =
    classes === undefined ? undefined : z.object({ items: z.array(labelled) }).parse(classes).items;
  return {
    version: gitVersion,
    serving: await versionOf(
      'serving.knative.dev',
      deployment('knative-serving', 'controller'),
      label,
    ),
    eventing: await versionOf(
      'eventing.knative.dev',
      deployment('knative-eventing', 'eventing-controller'),
      label,
    ),
    istio: await versionOf('networking.istio.io', deployment('istio-system', 'istiod'), label),
    unserved: Object.keys(spokenApis).filter(
      (api) => names.has(api.split('/', 1).join('')) && !served.has(api),
    ),
    gateways: await gatewayNamespaces(servingMap),
    hasDefaultStorage: items?.some(({ metadata }) => metadata.annotations[defaultClass] === 'true'),
  };
}

function deployment(namespace: string, name: string): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
}
