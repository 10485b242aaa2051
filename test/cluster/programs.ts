import { fileURLToPath } from 'node:url';

/** A Go module whose `tool` directives name programs; what they share is compiled once. */
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

/** Kubernetes and the etcd that it names. */
export const kubernetes: ProgramModule = {
  name: 'kubernetes',
  folder: fileURLToPath(new URL('modules/kubernetes/', import.meta.url)),
  programs: {
    etcd: 'go.etcd.io/etcd/server/v3',
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
    kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  },
  variables: {
    'k8s.io/component-base/version.gitVersion': version,
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': '37',
  },
  cpuSeconds: 1_100,
};
