import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Two network namespaces, and between them one that rewrites the addresses and ports of both. */
export interface RoutedPair extends Disposable {
  /** Of the host side of their veths. */
  readonly ifindexes: { readonly client: number; readonly server: number };
  /** What the client asks for, port 80; the server has port 8080 of an address that the client does not know. */
  readonly service: string;
  /** Runs an ES module in a namespace, and resolves with its first line. */
  run(where: 'client' | 'server', script: string): Promise<string>;
}

const run = (command: string, args: readonly string[], input?: string): string =>
  execFileSync(command, args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });

const ip = (line: string): string => run('ip', line.split(' '));

const nat = `table ip nat {
  chain before {
    type nat hook prerouting priority -100
    tcp dport 80 dnat to 198.19.2.2:8080
  }
  chain behind {
    type nat hook postrouting priority 100
    masquerade random
  }
}
`;

/** Builds the pair: client — bridge — router — bridge — server, in 198.19.0.0/16; needs root. */
export function startRoutedPair(): RoutedPair {
  const tag = randomBytes(3).toString('hex');
  const children: ChildProcess[] = [];
  const router = `clv${tag}r`;
  const namespaces = { client: `clv${tag}c`, server: `clv${tag}s` };
  const end = (): void => {
    for (const child of children) child.kill('SIGKILL');
    for (const name of [router, ...Object.values(namespaces)]) {
      try {
        run('ip', ['netns', 'del', name]);
      } catch {
        // It was not made.
      }
    }
    for (const bridge of ['client', 'server']) {
      try {
        run('ip', ['link', 'del', `clv${tag}${bridge[0]}b`]);
      } catch {
        // The same.
      }
    }
  };
  /** One side: what is captured is the host's end of the veth, a port of a bridge. */
  const join = (side: 'client' | 'server', net: number): number => {
    const [mine, bridge] = [namespaces[side], `clv${tag}${side[0]}b`];
    const host = `clv${tag}${side[0]}h`;
    ip(`netns add ${mine}`);
    ip(`link add ${bridge} type bridge`);
    ip(`link set ${bridge} up`);
    ip(`link add ${host} type veth peer name eth0 netns ${mine}`);
    ip(`link add ${host}r type veth peer name ${side} netns ${router}`);
    for (const port of [host, `${host}r`]) ip(`link set ${port} master ${bridge} up`);
    ip(`-n ${mine} addr add 198.19.${net}.2/24 dev eth0`);
    ip(`-n ${mine} link set eth0 up`);
    ip(`-n ${mine} route add default via 198.19.${net}.1`);
    ip(`-n ${router} addr add 198.19.${net}.1/24 dev ${side}`);
    ip(`-n ${router} link set ${side} up`);
    return Number(readFileSync(`/sys/class/net/${host}/ifindex`, 'utf8'));
  };
  try {
    ip(`netns add ${router}`);
    const ifindexes = { client: join('client', 1), server: join('server', 2) };
    run('ip', ['netns', 'exec', router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    run('ip', ['netns', 'exec', router, '/usr/sbin/nft', '-f', '-'], nat);
    return {
      ifindexes,
      service: '198.19.1.1',
      async run(where, script) {
        const child = spawn(
          'ip',
          [
            'netns',
            'exec',
            namespaces[where],
            process.execPath,
            '--input-type=module',
            '-e',
            script,
          ],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        children.push(child);
        const said: Promise<unknown[]> = once(child.stdout, 'data');
        return String((await said)[0]).trim();
      },
      [Symbol.dispose]: end,
    };
  } catch (cause) {
    end();
    throw cause;
  }
}
