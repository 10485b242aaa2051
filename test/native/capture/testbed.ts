import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { inCgroup, makeCgroup, removeCgroups } from './cgroup.ts';

/** A real nginx behind a veth in a network namespace of its own. */
export interface Testbed extends Disposable {
  readonly address: string;
  readonly port: number;
  /** The network namespace that nginx is in. */
  readonly namespace: string;
  /** The host side of the veth. */
  readonly link: string;
  readonly ifindex: number;
  /** The folder of the cgroup v2 that all processes in the namespace are in. */
  readonly cgroup: string;
  /** Starts an ES module in the namespace, in {@link cgroup} or one in it, and waits for its first word. */
  run(script: string, within?: string): Promise<void>;
  /** What `/large` serves, and `/slow` within a quarter of a second. */
  readonly large: Buffer;
}

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Builds a testbed in 198.18.0.0/15; needs root. */
export async function startTestbed(): Promise<Testbed> {
  const tag = randomBytes(3).toString('hex');
  const [namespace, link] = [`clv${tag}`, `clv${tag}h`];
  const subnet = `198.${18 + ((randomBytes(1)[0] ?? 0) % 2)}.${randomBytes(1)[0] ?? 0}`;
  const host = ((randomBytes(1)[0] ?? 0) & 0xfc) + 1;
  const address = `${subnet}.${host + 1}`;
  const folder = mkdtempSync(join(tmpdir(), 'clover-capture-'));
  const large = randomBytes(2 * 1024 * 1024);
  const children: ChildProcess[] = [];
  const cgroup = makeCgroup(namespace);
  const inside = (
    args: readonly string[],
    output: 'ignore' | 'pipe',
    within = cgroup,
  ): ChildProcess => {
    const command = ['ip', 'netns', 'exec', namespace, ...args];
    const child = spawn('sh', ['-c', inCgroup(within), 'sh', ...command], {
      stdio: ['ignore', output, output === 'pipe' ? 'inherit' : 'ignore'],
    });
    children.push(child);
    return child;
  };
  const end = (): void => {
    for (const child of children) child.kill('SIGKILL');
    run('ip', ['netns', 'del', namespace]);
    rmSync(folder, { recursive: true, force: true });
    void removeCgroups(cgroup);
  };
  run('ip', ['netns', 'add', namespace]);
  try {
    run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
    run('ip', ['addr', 'add', `${subnet}.${host}/30`, 'dev', link]);
    run('ip', ['link', 'set', link, 'up']);
    run('ip', ['-n', namespace, 'addr', 'add', `${address}/30`, 'dev', 'eth0']);
    run('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
    writeFileSync(join(folder, 'large'), large);
    writeFileSync(join(folder, 'small'), 'x'.repeat(100));
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, address));
    const log = join(folder, 'error.log');
    inside(['nginx', '-p', folder, '-c', 'nginx.conf', '-e', log], 'ignore');
    await accepts(address, 8080);
  } catch (cause) {
    end();
    throw cause;
  }
  const ifindex = Number(readFileSync(`/sys/class/net/${link}/ifindex`, 'utf8'));
  const runScript = async (script: string, within?: string): Promise<void> => {
    const args = [process.execPath, '--input-type=module', '-e', script];
    const { stdout } = inside(args, 'pipe', within);
    if (stdout !== null) await once(stdout, 'data');
  };
  const network = { address, port: 8080, namespace, link, ifindex };
  return { ...network, cgroup, large, run: runScript, [Symbol.dispose]: end };
}

function nginxConfig(folder: string, address: string): string {
  return `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen ${address}:8080; root ${folder}; client_max_body_size 10m;
    location = /slow { alias ${folder}/large; limit_rate 8m; }
    location = /fails { return 503 "no"; }
  }
}
`;
}

/** Gives both ends of its veth an address of IPv6: the one in the namespace. */
export function addIPv6({ link, namespace }: Pick<Testbed, 'link' | 'namespace'>): string {
  const subnet = `fd00:${randomBytes(2).toString('hex')}:`;
  run('ip', ['addr', 'add', `${subnet}:1/64`, 'dev', link, 'nodad']);
  run('ip', ['-n', namespace, 'addr', 'add', `${subnet}:2/64`, 'dev', 'eth0', 'nodad']);
  return `${subnet}:2`;
}

async function accepts(host: string, port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port }, () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await delay(50);
  }
  throw new Error('nginx does not accept connections');
}

/** Ids of the BPF programs and links that a process holds, from its file descriptors. */
export function bpfIdsOf(pid: number | 'self'): { programs: number[]; links: number[] } {
  const programs = new Set<number>();
  const links = new Set<number>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let text = '';
    try {
      text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    } catch {
      // The descriptor that listed the folder is closed by now.
    }
    const program = /^prog_id:\s*(\d+)/m.exec(text)?.[1];
    const link = /^link_id:\s*(\d+)/m.exec(text)?.[1];
    if (link !== undefined) links.add(Number(link));
    else if (program !== undefined) programs.add(Number(program));
  }
  return { programs: [...programs], links: [...links] };
}

/** Whether the kernel still has a program; it frees them a little after their last holder. */
export async function isGone(program: number): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      run('bpftool', ['prog', 'show', 'id', String(program)]);
    } catch {
      return true;
    }
    await delay(50);
  }
  return false;
}
