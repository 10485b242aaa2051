import { fileURLToPath } from 'node:url';

/** A Go module whose packages and `tool` directives name programs; what they share is compiled once. */
export interface ProgramModule {
  readonly name: string;
  /** Folder of its go.mod. */
  readonly folder: string;
  /** Package by the name of its program. */
  readonly programs: Readonly<Record<string, string>>;
  /** Build tags, with commas, by the name of a program. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Files that are kept beside the programs, by name: a file of a module, or the YAML files of a folder, as one. */
  readonly files?: Readonly<Record<string, ModuleFiles>>;
  /** Variables that the linker sets, by their path. */
  readonly variables: Readonly<Record<string, string>>;
  /**
   * CPU seconds of a build, as measured, with a cache that has only what the modules before it in a tier have left there: for the
   * estimate before Go has counted.
   */
  readonly cpuSeconds: number;
}

/** Files of a module that a go.mod names. */
export interface ModuleFiles {
  readonly module: string;
  /** A file, or a folder: the YAML files below it are meant. */
  readonly path: string;
}

/** Where Istio's module has the chart of its control plane. */
const istioChart = 'manifests/charts/istio-control/istio-discovery';
const version = 'v1.37.2';
const kubernetesModule = {
  folder: fileURLToPath(new URL('modules/kubernetes/', import.meta.url)),
  variables: {
    'k8s.io/component-base/version.gitVersion': version,
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': '37',
  },
} as const;

/** Kubernetes and the etcd that it names. */
export const kubernetes: ProgramModule = {
  ...kubernetesModule,
  name: 'kubernetes',
  programs: {
    etcd: 'go.etcd.io/etcd/server/v3',
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
    kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  },
  cpuSeconds: 1_100,
};

/** What gives pods a place, and runs them. */
export const kubernetesNode: ProgramModule = {
  ...kubernetesModule,
  name: 'kubernetes-node',
  programs: {
    'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
    kubelet: 'k8s.io/kubernetes/cmd/kubelet',
    'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  },
  cpuSeconds: 150,
};

/** The network of pods, and the programs in the images of the testbed. */
export const nodeParts: ProgramModule = {
  name: 'node',
  folder: fileURLToPath(new URL('modules/node/', import.meta.url)),
  programs: {
    coredns: './coredns',
    pause: './pause',
    echo: './echo',
    'host-local': 'github.com/containernetworking/plugins/plugins/ipam/host-local',
    loopback: 'github.com/containernetworking/plugins/plugins/main/loopback',
    ptp: 'github.com/containernetworking/plugins/plugins/main/ptp',
  },
  variables: {},
  // 260 with an empty cache.
  cpuSeconds: 40,
};

/** Istio's control plane, and what stands beside its proxies. */
export const istio: ProgramModule = {
  name: 'istio',
  folder: fileURLToPath(new URL('modules/istio/', import.meta.url)),
  programs: {
    'pilot-discovery': 'istio.io/istio/pilot/cmd/pilot-discovery',
    'pilot-agent': 'istio.io/istio/pilot/cmd/pilot-agent',
  },
  // As Istio builds them.
  tags: {
    'pilot-discovery': 'vtprotobuf,disable_pgv',
    'pilot-agent': 'agent,disable_pgv',
  },
  files: {
    'istio-crds.yaml': {
      module: 'istio.io/istio',
      path: 'manifests/charts/base/files/crd-all.gen.yaml',
    },
    'gateway-crds.yaml': { module: 'sigs.k8s.io/gateway-api', path: 'config/crd/standard' },
    // Templates of what pods get and of what Gateways become, and the values of both.
    'istio-sidecar.yaml': {
      module: 'istio.io/istio',
      path: `${istioChart}/files/injection-template.yaml`,
    },
    'istio-gateway.yaml': {
      module: 'istio.io/istio',
      path: `${istioChart}/files/kube-gateway.yaml`,
    },
    'istio-values.yaml': { module: 'istio.io/istio', path: `${istioChart}/values.yaml` },
    'envoy-bootstrap.json': {
      module: 'istio.io/istio',
      path: 'tools/packaging/common/envoy_bootstrap.json',
    },
  },
  variables: {},
  cpuSeconds: 730,
};

/** Who takes telemetry, and keeps metrics. */
const collectorAndPrometheus: ProgramModule = {
  name: 'observe',
  folder: fileURLToPath(new URL('modules/observe/', import.meta.url)),
  programs: {
    collector: './collector',
    prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
  },
  // The clients of thirty clouds, to find what to scrape there.
  tags: { prometheus: 'remove_all_sd' },
  variables: {},
  cpuSeconds: 350,
};

/** Who keeps traces. It names older components of the Collector than the Collector itself does. */
const jaeger: ProgramModule = {
  name: 'jaeger',
  folder: fileURLToPath(new URL('modules/jaeger/', import.meta.url)),
  programs: { jaeger: 'github.com/jaegertracing/jaeger/cmd/jaeger' },
  variables: {},
  cpuSeconds: 770,
};

/** All that telemetry goes to. */
export const receiverModules: readonly ProgramModule[] = [collectorAndPrometheus, jaeger];

/** Knative 1.22 with channels in memory: what its Deployments run, and what they start. */
export const knative: ProgramModule = {
  name: 'knative',
  folder: fileURLToPath(new URL('modules/knative/', import.meta.url)),
  programs: {
    'apiserver-adapter': 'knative.dev/eventing/cmd/apiserver_receive_adapter',
    'broker-controller': 'knative.dev/eventing/cmd/mtchannel_broker',
    'broker-filter': 'knative.dev/eventing/cmd/broker/filter',
    'broker-ingress': 'knative.dev/eventing/cmd/broker/ingress',
    'channel-controller': 'knative.dev/eventing/cmd/in_memory/channel_controller',
    'channel-dispatcher': 'knative.dev/eventing/cmd/in_memory/channel_dispatcher',
    'eventing-controller': 'knative.dev/eventing/cmd/controller',
    'eventing-webhook': 'knative.dev/eventing/cmd/webhook',
    'ping-adapter': 'knative.dev/eventing/cmd/mtping',
    activator: 'knative.dev/serving/cmd/activator',
    autoscaler: 'knative.dev/serving/cmd/autoscaler',
    'queue-proxy': 'knative.dev/serving/cmd/queue',
    'serving-controller': 'knative.dev/serving/cmd/controller',
    'serving-webhook': 'knative.dev/serving/cmd/webhook',
  },
  files: {
    'eventing.yaml': { module: 'knative.dev/eventing', path: 'config/core' },
    'eventing-channel.yaml': {
      module: 'knative.dev/eventing',
      path: 'config/channels/in-memory-channel',
    },
    'eventing-broker.yaml': {
      module: 'knative.dev/eventing',
      path: 'config/brokers/mt-channel-broker',
    },
    // The controller does not start without them.
    'eventing-integrations.yaml': {
      module: 'knative.dev/eventing',
      path: 'third_party/eventing-integrations-latest/eventing-integrations-images.yaml',
    },
    'eventing-transformations.yaml': {
      module: 'knative.dev/eventing',
      path: 'third_party/eventing-integrations-latest/eventing-transformations-images.yaml',
    },
    // In Serving's repository these are links, and links are in no module.
    'networking.yaml': { module: 'knative.dev/networking', path: 'config' },
    'caching.yaml': { module: 'knative.dev/caching', path: 'config' },
    'serving.yaml': { module: 'knative.dev/serving', path: 'config/core' },
  },
  variables: {},
  cpuSeconds: 437,
};
