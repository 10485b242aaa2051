import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import type { NodeNetwork } from './network.ts';

/** Options of {@link startKubelet}. */
export interface KubeletOptions {
  readonly supervisor: Supervisor;
  readonly program: string;
  readonly folder: string;
  readonly network: NodeNetwork;
  readonly mountsOf: number;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeName: string;
  readonly kubeconfig: string;
  /** Path of containerd's socket. */
  readonly socket: string;
  /** Name of the control group that pods are made in; it is there already. */
  readonly cgroup: string;
  /** PEM of the certificate that the API server shows, which is its own authority. */
  readonly clientAuthorityFile: string;
}

/** Starts the kubelet. */
export async function startKubelet(options: KubeletOptions): Promise<void> {
  const { supervisor, program, folder, network, mountsOf, env, nodeName, kubeconfig } = options;
  const data = join(folder, 'kubelet');
  mkdirSync(data, { recursive: true });
  const file = join(folder, 'kubelet.json');
  const resolver = join(folder, 'resolv.conf');
  writeFileSync(resolver, '');
  writeFileSync(file, JSON.stringify(configuration(options, resolver)));
  await supervisor.start({
    name: 'kubelet',
    command: program,
    args: [
      `--config=${file}`,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${network.node}`,
      `--root-dir=${data}`,
      `--cert-dir=${join(folder, 'kubelet-certificate')}`,
    ],
    namespace: network.namespace,
    mountsOf,
    env,
    restart: true,
  });
}

/** https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
function configuration(options: KubeletOptions, resolvConf: string): object {
  const { folder, network, socket, cgroup, clientAuthorityFile } = options;
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    // A machine may have the first version of control groups; the kubelet refuses it by itself since 1.35.
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: 'cgroupfs',
    // One of its own: a kubelet ends every pod that it does not know below its root.
    cgroupRoot: `/${cgroup}`,
    containerRuntimeEndpoint: `unix://${socket}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: clientAuthorityFile },
    },
    authorization: { mode: 'Webhook' },
    clusterDomain: 'cluster.local',
    clusterDNS: [network.node],
    resolvConf,
    podLogsDir: join(folder, 'pod-logs'),
    volumePluginDir: join(folder, 'volume-plugins'),
    makeIPTablesUtilChains: false,
    // Its own values (a lower one, a million) take CAP_SYS_RESOURCE.
    oomScoreAdj: Number(readFileSync('/proc/self/oom_score_adj', 'utf8')),
    maxOpenFiles: mostOpenFiles(),
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
    },
    // No registry has our images.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  };
}

function mostOpenFiles(): number {
  const line = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return Math.min(Number(line?.[1] ?? 1_024), 1_000_000);
}

/** Files of a certificate that is its own authority. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes what the API server shows the kubelet: that one knows callers by nothing else. */
export function makeClientCertificate(folder: string): ClientCertificate {
  const files = {
    certificate: join(folder, 'kubelet-client.crt'),
    key: join(folder, 'kubelet-client.key'),
  };
  const options = {
    newkey: 'ec',
    pkeyopt: 'ec_paramgen_curve:P-256',
    days: '30',
    subj: '/O=system:masters/CN=kube-apiserver-kubelet-client',
    addext: 'extendedKeyUsage=clientAuth',
    keyout: files.key,
    out: files.certificate,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`-${name}`, value]);
  execFileSync('openssl', ['req', '-x509', '-nodes', ...args], { stdio: 'pipe' });
  return files;
}
