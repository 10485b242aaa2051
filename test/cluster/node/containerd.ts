import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import type { NodeNetwork } from './network.ts';

const run = promisify(execFile);
const name = 'containerd';
const readyWithinMs = 30_000;

/** What runs containers. */
export interface Containerd {
  /** Path of the socket with its API, and the kubelet's. */
  readonly socket: string;
  /** Takes the images of an archive: an OCI image layout in a tar. */
  importImage(file: string): Promise<void>;
  /**
   * The process that a container has started.
   * @param id as a pod's status has it, with or without `containerd://`.
   * @throws Error when it does not run.
   */
  pidOf(id: string): Promise<number>;
}

/** Options of {@link startContainerd}. */
export interface ContainerdOptions {
  readonly supervisor: Supervisor;
  /** Folder for data and settings. */
  readonly folder: string;
  readonly network: NodeNetwork;
  readonly mountsOf: number;
  /** Path of the plugin `ptp`; those that it names lie beside it. */
  readonly ptp: string;
  readonly env: Readonly<Record<string, string>>;
  /** Name of the image that holds a pod's namespaces. */
  readonly pauseImage: string;
}

/** Starts it; resolves when it answers. */
export async function startContainerd(options: ContainerdOptions): Promise<Containerd> {
  const { supervisor, folder, network, mountsOf, env } = options;
  const configFile = join(folder, 'containerd.toml');
  const socket = join(folder, 'containerd.sock');
  const networks = join(folder, 'cni');
  mkdirSync(networks, { recursive: true });
  writeFileSync(configFile, config(options, socket, networks));
  writeFileSync(
    join(networks, '10-pods.conflist'),
    JSON.stringify(podNetwork(network, join(folder, 'addresses'))),
  );
  await supervisor.start({
    name,
    command: name,
    args: ['--config', configFile],
    namespace: network.namespace,
    mountsOf,
    env,
    restart: true,
  });
  const ctr = (...args: readonly string[]) =>
    run('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args], {
      maxBuffer: 16 * 1024 * 1024,
    });
  const until = Date.now() + readyWithinMs;
  for (;;) {
    try {
      if (existsSync(socket)) {
        await ctr('version');
        break;
      }
    } catch {
      // Not yet.
    }
    if (Date.now() > until) throw new Error(`${name} is not ready:\n${supervisor.tail(name)}`);
    await sleep(50);
  }
  return {
    socket,
    importImage: async (file) => {
      await ctr('images', 'import', file);
    },
    pidOf: async (id) => {
      const wanted = id.replace('containerd://', '');
      const { stdout } = await ctr('tasks', 'list');
      for (const line of stdout.split('\n')) {
        const [task, pid] = line.split(/\s+/);
        if (task === wanted) return Number(pid);
      }
      throw new Error(`no container ${wanted} runs`);
    },
  };
}

/** https://github.com/containerd/containerd/blob/v1.6.20/docs/cri/config.md; a JSON string is one of TOML. */
function config(
  { folder, ptp, pauseImage }: ContainerdOptions,
  socket: string,
  networks: string,
): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const text = JSON.stringify;
  return `version = 2
root = ${text(join(folder, 'containerd'))}
state = ${text(join(folder, 'containerd-state'))}

[grpc]
address = ${text(socket)}

[${cri}]
sandbox_image = ${text(pauseImage)}
# Without CAP_SYS_RESOURCE a value below our own is refused.
restrict_oom_score_adj = true

[${cri}.containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false

[${cri}.cni]
bin_dir = ${text(dirname(ptp))}
conf_dir = ${text(networks)}
`;
}

/** A pair of links and a route for each pod: no bridge, and a device of its own for kernel programs. */
function podNetwork({ pods }: NodeNetwork, dataDir: string): object {
  return {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        mtu: 1500,
        ipam: {
          type: 'host-local',
          dataDir,
          ranges: [[{ subnet: pods }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
}
