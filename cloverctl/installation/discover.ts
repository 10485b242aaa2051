import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { clusterParts, findPart, type ClusterPart, type PartFound } from './cluster-parts.ts';
import { groupOf } from './collections.ts';
import { readable } from './live-object.ts';
import { gatewayNamespaces } from './network-layer.ts';
import { spokenApis } from './spoken-apis.ts';

/** What a cluster has. */
export interface Findings {
  /** Of Kubernetes, such as `v1.37.2`. */
  readonly version: string;
  /** Versions, `unknown` where they cannot be told; undefined: it is not there. */
  readonly serving: string | undefined;
  readonly eventing: string | undefined;
  readonly istio: string | undefined;
  /** Who of Knative does not run, though it has definitions: a line each. */
  readonly stopped: readonly string[];
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
const annotated = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
});

const defaultClass = 'storageclass.kubernetes.io/is-default-class';

/** Looks at a cluster; changes nothing, and takes what it may not see for what is not known. */
export async function discover(client: KubeClient): Promise<Findings> {
  const get = (path: string): Promise<unknown> => client.call({ method: 'GET', path });
  const { gitVersion } = serverVersion.parse(await get('/version'));
  const found = groups.parse(await get('/apis')).groups;
  const names = new Set(found.map(({ name }) => name));
  const served = new Set(
    found.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion)),
  );
  const partOf = async (part: ClusterPart): Promise<PartFound | undefined> =>
    names.has(part.group) ? findPart(client, part) : undefined;
  const [serving, eventing, istio] = await Promise.all([
    partOf(clusterParts.serving),
    partOf(clusterParts.eventing),
    partOf(clusterParts.istio),
  ]);
  const servingMap = (name: string): Promise<unknown> =>
    readable(get(`/api/v1/namespaces/knative-serving/configmaps/${name}`));
  const classes = await readable(get('/apis/storage.k8s.io/v1/storageclasses'));
  const items =
    classes === undefined
      ? undefined
      : z.object({ items: z.array(annotated) }).parse(classes).items;
  return {
    version: gitVersion,
    serving: serving?.version,
    eventing: eventing?.version,
    istio: istio?.version,
    stopped: [serving, eventing].flatMap((part) => part?.stopped ?? []),
    unserved: [...spokenApis.keys()].filter((api) => names.has(groupOf(api)) && !served.has(api)),
    gateways: await gatewayNamespaces(servingMap),
    hasDefaultStorage: items?.some(({ metadata }) => metadata.annotations[defaultClass] === 'true'),
  };
}
