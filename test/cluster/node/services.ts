import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import type { NodeNetwork } from './network.ts';

/** Options of what serves the addresses and the names of Services. */
export interface ServiceOptions {
  readonly supervisor: Supervisor;
  readonly program: string;
  readonly folder: string;
  readonly network: NodeNetwork;
  readonly kubeconfig: string;
}

/** Starts kube-proxy: the addresses of Services, by rules of the kernel. */
export async function startProxy(
  { supervisor, program, folder, network, kubeconfig }: ServiceOptions,
  settings: { readonly nodeName: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  const file = join(folder, 'kube-proxy.json');
  const configuration = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: settings.nodeName,
    clientConnection: { kubeconfig },
    clusterCIDR: network.pods,
    detectLocalMode: 'ClusterCIDR',
    oomScoreAdj: 0,
    // The table of connections is the machine's: its size can only be read here.
    conntrack: {
      maxPerCore: 0,
      min: 0,
      tcpEstablishedTimeout: '0s',
      tcpCloseWaitTimeout: '0s',
    },
  };
  writeFileSync(file, JSON.stringify(configuration));
  await supervisor.start({
    name: 'kube-proxy',
    command: program,
    args: [`--config=${file}`],
    namespace: network.namespace,
    env: settings.env,
    restart: true,
  });
}

/** Starts CoreDNS at the node's address: the names of Services. Other names do not exist. */
export async function startDns(options: ServiceOptions): Promise<void> {
  const { supervisor, program, folder, network, kubeconfig } = options;
  const file = join(folder, 'Corefile');
  writeFileSync(
    file,
    `cluster.local in-addr.arpa {
  bind ${network.node}
  errors
  ready ${network.node}:8181
  kubernetes {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 5
  }
  cache 5
  loadbalance
}
. {
  bind ${network.node}
  errors
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`,
  );
  await supervisor.start({
    name: 'coredns',
    command: program,
    args: ['-conf', file],
    namespace: network.namespace,
    restart: true,
  });
}
