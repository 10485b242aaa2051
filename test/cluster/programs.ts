import { fileURLToPath } from 'node:url';

/** A Go module whose packages and `tool` directives name programs; what they share is compiled once. */
export interface ProgramModule {
  readonly name: string;
  /** Folder of its go.mod. */
  readonly folder: string;
  /** Package by the name of its program. */
  readonly programs: Readonly<Record<string, string>>;
  /** Variables that the linker sets, by their path. */
  readonly variables: Readonly<Record<string, string>>;
  /** CPU seconds of a build with an empty cache, as measured: for the estimate before Go has counted. */
  readonly cpuSeconds: number;
}

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
  cpuSeconds: 260,
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
  cpuSeconds: 150,
};
