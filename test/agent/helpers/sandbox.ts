import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupRoot, makeCgroup, removeCgroups } from '../../native/capture/cgroup.ts';

/** What a container runtime makes of a pod: a network namespace, and a server whose cgroup the kubelet has named. */
export interface Sandbox {
  /** The server, as the node reaches it. */
  readonly url: string;
  /** The node's end of the veth. */
  readonly interface: string;
  /** The node, as the pod reaches it. */
  readonly nodeAddress: string;
  /** Adds a macvlan device to the pod. */
  addMacvlan(name: string): void;
  /** All is gone afterwards; safe to call twice. */
  remove(): Promise<void>;
}

/** How a kubelet names the cgroup of a pod. */
export type CgroupDriver = 'cgroupfs' | 'systemd';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

function cgroupOf(driver: CgroupDriver, uid: string): string {
  const slice = `kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`;
  return driver === 'cgroupfs'
    ? `kubepods/burstable/pod${uid}/0123456789abcdef`
    : `kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-0123456789abcdef.scope`;
}

/**
 * Makes a sandbox for a pod's uid, in 198.18.0.0/15; needs root.
 * @param script of the server, which listens on port 8080: a module for Node.
 */
export async function makeSandbox(
  uid: string,
  script: string,
  driver: CgroupDriver = 'cgroupfs',
): Promise<Sandbox> {
  const tag = randomBytes(3).toString('hex');
  const [namespace, link] = [`clv${tag}`, `clv${tag}h`];
  const subnet = `198.${18 + ((randomBytes(1)[0] ?? 0) % 2)}.${randomBytes(1)[0] ?? 0}`;
  const host = ((randomBytes(1)[0] ?? 0) & 0xfc) + 1;
  const address = `${subnet}.${host + 1}`;
  const root = join(cgroupRoot(), `clover-${tag}`);
  const cgroup = join(root, cgroupOf(driver, uid));
  let server: ChildProcess | undefined;
  let removed = false;
  const remove = async (): Promise<void> => {
    if (removed) return;
    removed = true;
    if (server !== undefined && server.exitCode === null) {
      server.kill('SIGKILL');
      await once(server, 'close');
    }
    ip('netns', 'del', namespace);
    await removeCgroups(cgroup, root);
  };
  makeCgroup(`clover-${tag}`, cgroupOf(driver, uid));
  ip('netns', 'add', namespace);
  try {
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('addr', 'add', `${subnet}.${host}/30`, 'dev', link);
    ip('link', 'set', link, 'up');
    ip('-n', namespace, 'addr', 'add', `${address}/30`, 'dev', 'eth0');
    ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    // As a runtime does: first in the cgroup, then in the namespace.
    const inside = `echo $$ > ${cgroup}/cgroup.procs && exec nsenter --net=/run/netns/${namespace} "$@"`;
    const node = [process.execPath, '--input-type=module', '-e', script];
    server = spawn('sh', ['-c', inside, 'sh', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
    await accepts(address, server);
    return {
      url: `http://${address}:8080`,
      interface: link,
      nodeAddress: `${subnet}.${host}`,
      addMacvlan: (name) =>
        void ip('link', 'add', 'link', link, 'name', name, 'netns', namespace, 'type', 'macvlan'),
      remove,
    };
  } catch (cause) {
    await remove();
    throw cause;
  }
}

/** Connects alone: a request would be one to trace. */
async function accepts(host: string, server: ChildProcess): Promise<void> {
  while (server.exitCode === null && server.signalCode === null) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port: 8080 }, () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(25);
  }
  throw new Error(`the server ended with ${server.exitCode ?? server.signalCode}`);
}
