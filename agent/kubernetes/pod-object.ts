import { z } from 'zod';
import type { Pod } from '../pod-directory.ts';

/** A pod as the API server knows it. */
export interface KubePod extends Pod {
  /** It has no network of its own. */
  readonly hostNetwork: boolean;
  /** Extended resources that it asks for and that are devices of a network, such as `intel.com/sriov_dpdk`. */
  readonly devices: readonly string[];
  /** It has huge pages, as programs need that drive a device by themselves (DPDK). */
  readonly hugePages: boolean;
  /** By which the kubelet names its cgroups. */
  readonly cgroupUid: string;
  /** It names a RuntimeClass: maybe a sandbox whose connections are no sockets of the node. */
  readonly sandboxed: boolean;
  /** Ports of TCP to which its containers give names. */
  readonly ports: readonly NamedPort[];
  /** Ids of its containers but for the sidecar, as far as they have any; undefined where it has no sidecar. */
  readonly besideSidecar: readonly string[] | undefined;
}

/** A port as a container calls it. */
export interface NamedPort {
  readonly name: string;
  readonly port: number;
}

const labels = z.record(z.string(), z.string()).default({});

/** Containers that meshes and Knative put before an application: what that says passes them once more. */
const proxies: ReadonlySet<string> = new Set([
  'consul-dataplane',
  'istio-proxy',
  'kuma-sidecar',
  'linkerd-proxy',
  'queue-proxy',
]);

const containers = z
  .array(
    z.object({
      name: z.string().default(''),
      resources: z.object({ limits: z.record(z.string(), z.unknown()).default({}) }).prefault({}),
      ports: z
        .array(
          z.object({
            name: z.string().optional(),
            containerPort: z.int(),
            protocol: z.string().default('TCP'),
          }),
        )
        .default([]),
    }),
  )
  .default([]);

/** Names are the cluster's own: these are the usual prefixes of device plugins for networks, and the usual parts of names. */
const networkDevice =
  /^(?:intel\.com|mellanox\.com|openshift\.io|rdma)\/|af_?xdp|dpdk|hostdev|netdevice|sriov|vfio/i;

/** Most pods have none: they share it. */
const none: readonly never[] = [];

const podObject = z.object({
  metadata: z.object({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    labels,
    annotations: labels,
  }),
  spec: z.object({
    hostNetwork: z.boolean().default(false),
    runtimeClassName: z.string().optional(),
    containers,
    initContainers: containers,
  }),
  status: z
    .object({
      phase: z.string().default(''),
      containerStatuses: z
        .array(z.object({ name: z.string(), containerID: z.string().default('') }))
        .default([]),
    })
    .prefault({}),
});

/**
 * What the agent keeps of a pod's object; undefined for one that has ended. The object of a static pod is only its mirror: the
 * kubelet itself knows it by another uid, which stands in an annotation.
 * @throws z.ZodError when it is no pod.
 */
export function readPod(object: unknown): KubePod | undefined {
  const { metadata, spec, status } = podObject.parse(object);
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined;
  const { uid, namespace, name, annotations } = metadata;
  // An extended resource has to stand among the limits.
  const asked = [...spec.containers, ...spec.initContainers].flatMap(({ resources }) =>
    Object.keys(resources.limits),
  );
  const devices = [...new Set(asked.filter((resource) => networkDevice.test(resource)))];
  const ports = spec.containers.flatMap((container) =>
    container.ports.flatMap(({ name: called, containerPort, protocol }) =>
      called === undefined || protocol !== 'TCP' ? [] : [{ name: called, port: containerPort }],
    ),
  );
  return {
    uid,
    namespace,
    name,
    labels: metadata.labels,
    hostNetwork: spec.hostNetwork,
    devices: devices.length === 0 ? none : devices,
    hugePages: asked.some((resource) => resource.startsWith('hugepages-')),
    cgroupUid: staticUid(annotations) ?? uid,
    sandboxed: spec.runtimeClassName !== undefined,
    ports: ports.length === 0 ? none : ports,
    besideSidecar: besideSidecar(spec, status),
  };
}

/**
 * By which a kubelet knows the static pod whose mirror has these annotations. Whoever makes a pod writes them: the hash of a file cannot be
 * the uid of somebody's pod, which the API server gives, and a mirror of nothing a kubelet deletes.
 */
function staticUid(annotations: Readonly<Record<string, string>>): string | undefined {
  const hash = annotations['kubernetes.io/config.hash'];
  const isMirror = hash !== undefined && annotations['kubernetes.io/config.mirror'] === hash;
  return isMirror && /^[0-9a-f]{32}$/.test(hash) ? hash : undefined;
}

/** One that is nothing but a proxy, such as a gateway, is no sidecar. */
function besideSidecar(
  { containers: all, initContainers }: z.output<typeof podObject>['spec'],
  { containerStatuses }: z.output<typeof podObject>['status'],
): readonly string[] | undefined {
  const others = new Set(all.map(({ name }) => name).filter((name) => !proxies.has(name)));
  const hasSidecar = [...all, ...initContainers].some(({ name }) => proxies.has(name));
  if (!hasSidecar || others.size === 0) return undefined;
  // `containerd://<id>`
  return containerStatuses.flatMap(({ name, containerID }) =>
    others.has(name) && containerID !== '' ? [containerID.replace(/^.*:\/\//, '')] : [],
  );
}
