import { readdir } from 'node:fs/promises';
import { run } from './command.ts';

/** A namespace with one interface. */
export interface Host {
  /** Name of the network namespace. */
  readonly namespace: string;
  /** Its end of the veth in the root namespace: where a node's agent would attach. */
  readonly hostInterface: string;
  readonly address: string;
  /** Program and arguments that run `command` inside. */
  inside(command: readonly string[]): readonly [program: string, args: readonly string[]];
}

/** Two namespaces on one bridge. */
export interface Network {
  readonly server: Host;
  readonly client: Host;
  remove(): Promise<void>;
}

/**
 * Makes `clvb<pid>a` and `clvb<pid>b`, joined by a bridge without an address. Whatever a run that
 * was killed left behind goes first.
 */
export async function makeNetwork(): Promise<Network> {
  await removeOrphans();
  const name = `clvb${process.pid}`;
  const remove = (): Promise<void> => removeNetwork(name);
  try {
    await run('ip', ['link', 'add', name, 'type', 'bridge']);
    await run('ip', ['link', 'set', name, 'up']);
    const server = await makeHost(name, 'a', '198.18.0.1');
    const client = await makeHost(name, 'b', '198.18.0.2');
    return { server, client, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function makeHost(bridge: string, letter: string, address: string): Promise<Host> {
  const namespace = `${bridge}${letter}`;
  const hostInterface = `${namespace}h`;
  const peer = ['peer', 'name', 'eth0', 'netns', namespace];
  await run('ip', ['netns', 'add', namespace]);
  await run('ip', ['link', 'add', hostInterface, 'type', 'veth', ...peer]);
  await run('ip', ['link', 'set', hostInterface, 'master', bridge, 'up']);
  await run('ip', ['-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0']);
  await run('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
  await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  return {
    namespace,
    hostInterface,
    address,
    inside: (command) => ['nsenter', [`--net=/run/netns/${namespace}`, ...command]],
  };
}

async function removeNetwork(name: string): Promise<void> {
  const parts = [
    ['link', 'delete', `${name}ah`],
    ['link', 'delete', `${name}bh`],
    ['netns', 'delete', `${name}a`],
    ['netns', 'delete', `${name}b`],
    ['link', 'delete', name],
  ];
  // One after the other, each whether or not it is there: a set-up may have stopped anywhere.
  for (const part of parts) await run('ip', part).catch(() => undefined);
}

async function removeOrphans(): Promise<void> {
  const links = await readdir('/sys/class/net');
  const owners = new Set(links.flatMap((link) => /^clvb(\d+)(?:[ab]h)?$/.exec(link)?.[1] ?? []));
  for (const pid of owners) if (!isAlive(Number(pid))) await removeNetwork(`clvb${pid}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
