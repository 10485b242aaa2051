import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { makeCgroup } from '../../../cloverctl/supervisor/cgroups.ts';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import type { RunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import type { Programs } from '../build.ts';
import { writeImage } from '../image.ts';
import { startContainerd, type Containerd } from '../node/containerd.ts';
import { makeClientCertificate, startKubelet } from '../node/kubelet.ts';
import { holdMounts } from '../node/mounts.ts';
import { makeNetwork, type NodeNetwork } from '../node/network.ts';
import { startDns, startProxy } from '../node/services.ts';
import { startApi, type ApiTier } from './api.ts';

const run = promisify(execFile);

/** A Kubernetes of one node that runs pods. */
export interface NodeTier extends ApiTier, Pick<Containerd, 'importImage' | 'pidOf'> {
  readonly nodeName: string;
  /** Addresses, and the namespace that holds the node's ends of the pods' links. */
  readonly network: NodeNetwork;
  /** Name of the control group that all pods are in, in every hierarchy. */
  readonly cgroup: string;
  /** Folder for the tier's files; archives of images may lie there. */
  readonly folder: string;
  /**
   * Runs kubectl as an administrator.
   * @returns its standard output.
   * @throws Error with its standard error when its exit code is not 0.
   */
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

/** Options of {@link startNode}. */
export interface NodeOptions {
  readonly run: RunFolder;
  readonly supervisor: Supervisor;
  readonly programs: Programs;
  /** Default: one of its own. */
  readonly network?: NodeNetwork;
  /** More arguments of kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
}

const pauseImage = 'dev.local/pause:1';
const components = {
  scheduler: { name: 'kube-scheduler', user: 'system:kube-scheduler' },
  proxy: { name: 'kube-proxy', user: 'system:kube-proxy' },
  dns: { name: 'coredns', user: 'system:coredns' },
} as const;

/**
 * Starts the tier; resolves when the node is Ready and pods can be made.
 * @throws Error with the end of a log when a program ends, or is not ready in two minutes.
 */
export async function startNode(options: NodeOptions): Promise<NodeTier> {
  const { run: runFolder, supervisor, programs, apiServerArgs = [] } = options;
  const program = (name: string): string => programs[name] ?? name;
  const folder = join(runFolder.path, 'node');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = basename(runFolder.path);
  // A name of a host: no capital letters.
  const nodeName = name.toLowerCase();
  const kubelet = { name: 'kubelet', user: `system:node:${nodeName}`, group: 'system:nodes' };
  // npm puts programs of packages first, and one of them is called nft.
  const env = { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}` };

  const network = options.network ?? (await makeNetwork(runFolder));
  runFolder.update(({ cgroups }) => ({ cgroups: [...cgroups, name] }));
  await runFolder.make(async () => makeCgroup(name));
  const client = makeClientCertificate(folder);
  const mountsOf = await holdMounts(supervisor, folder);
  const shared = { supervisor, folder, network, mountsOf, env };
  const [api, containerd] = await Promise.all([
    startApi({
      supervisor,
      programs,
      folder: join(runFolder.path, 'api'),
      address: network.host,
      services: network.services,
      components: [...Object.values(components), kubelet],
      apiServerArgs: [
        `--kubelet-client-certificate=${client.certificate}`,
        `--kubelet-client-key=${client.key}`,
        '--kubelet-preferred-address-types=InternalIP',
        '--enable-admission-plugins=NodeRestriction',
        ...apiServerArgs,
      ],
    }),
    startContainerd({ ...shared, ptp: program('ptp'), pauseImage }).then(async (started) => {
      const file = join(folder, 'pause.tar');
      await writeImage({ name: pauseImage, program: program('pause') }, file);
      await started.importImage(file);
      return started;
    }),
  ]);
  const configOf = (component: string): string => api.kubeconfigs.get(component) ?? '';
  await startKubelet({
    ...shared,
    program: program('kubelet'),
    nodeName,
    kubeconfig: configOf(kubelet.name),
    socket: containerd.socket,
    cgroup: name,
    clientAuthorityFile: client.certificate,
  });
  const scheduler = configOf(components.scheduler.name);
  await supervisor.start({
    name: 'kube-scheduler',
    command: program('kube-scheduler'),
    args: [
      `--kubeconfig=${scheduler}`,
      `--authentication-kubeconfig=${scheduler}`,
      `--authorization-kubeconfig=${scheduler}`,
      '--leader-elect=false',
      '--secure-port=0',
    ],
    restart: true,
  });
  await startProxy(
    { ...shared, program: program('kube-proxy'), kubeconfig: configOf(components.proxy.name) },
    { nodeName, env },
  );
  const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
    const child = run(program('kubectl'), [`--kubeconfig=${api.kubeconfig}`, ...args], {
      maxBuffer: 16 * 1024 * 1024,
    });
    // Who fails before it has read all tells why by its end.
    child.child.stdin?.on('error', () => undefined).end(input);
    return (await child).stdout;
  };
  await kubectl(['apply', '-f', '-'], JSON.stringify(rightsOfDns));
  await startDns({
    ...shared,
    program: program('coredns'),
    kubeconfig: configOf(components.dns.name),
  });
  await waitUntilReady({ supervisor, kubectl, nodeName });
  return {
    ...api,
    importImage: (file) => containerd.importImage(file),
    pidOf: (id) => containerd.pidOf(id),
    nodeName,
    network,
    cgroup: name,
    folder,
    kubectl,
  };
}

async function waitUntilReady(options: {
  readonly supervisor: Supervisor;
  readonly kubectl: NodeTier['kubectl'];
  readonly nodeName: string;
}): Promise<void> {
  const { supervisor, kubectl, nodeName } = options;
  const wanted = [
    ['wait', '--for=create', '--timeout=60s', `node/${nodeName}`],
    ['wait', '--for=condition=Ready', '--timeout=60s', `node/${nodeName}`],
    // Made by a controller; no pod is admitted before.
    ['wait', '--for=create', '--timeout=60s', 'serviceaccount/default'],
  ];
  for (const args of wanted) {
    try {
      await kubectl(args);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${why}\nkubelet:\n${supervisor.tail('kubelet')}`, { cause });
    }
  }
}

const rightsOfDns = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'system:coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['list', 'watch'] },
        {
          apiGroups: ['discovery.k8s.io'],
          resources: ['endpointslices'],
          verbs: ['list', 'watch'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'system:coredns' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'system:coredns',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:coredns' }],
    },
  ],
};
