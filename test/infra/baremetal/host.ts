import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statfsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { until } from '../../functions/host/helpers.ts';

const run = promisify(execFile);
const boot = fileURLToPath(new URL('boot.sh', import.meta.url));

/** What a command said, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host of its own: namespaces of this machine with a systemd as their first process. */
export interface Host {
  /** Runs a command on it, by root; `input` is its standard input, else that is empty. */
  run(command: readonly string[], input?: string): Promise<Outcome>;
  /** Runs a command that has to end with 0. */
  sh(script: string): Promise<string>;
  /** What its services wrote. */
  log(): Promise<string>;
  /** The folder with what was written to its `/usr`, `/etc` and `/var`. */
  readonly written: readonly string[];
}

/** OVERLAYFS_SUPER_MAGIC: one overlay cannot be the upper layer of another. */
const overlay = 0x79_4c_76_30;

/** The hierarchies of cgroups in which the host gets a tree of its own: that of v2, and of v1 those of systemd and of memory. */
function hierarchies(): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts
    .map((line) => line.split(' '))
    .filter(
      ([, , type, options = '']) =>
        type === 'cgroup2' ||
        (type === 'cgroup' && /(?:^|,)(?:memory|name=systemd)(?:,|$)/.test(options)),
    )
    .flatMap(([, path]) => path ?? []);
}

/** Why a test cannot have such a host here; undefined when it can. */
export function whyNoHost(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  if (!existsSync('/usr/lib/systemd/systemd')) return 'there is no systemd';
  if (hierarchies().length === 0) return 'there are no cgroups';
  if (!readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n')) return 'no overlayfs';
  if (statfsSync(tmpdir()).type === overlay) return 'the temporary folder is on an overlay itself';
  return undefined;
}

/** Boots a host that sees `source` as /release; it ends with the test, and with this process however that ends. */
export async function bootHost(t: ExecutionContext, dir: string, source: string): Promise<Host> {
  const ownGroup = `clover-host-${process.pid}-${Date.now().toString(36)}`;
  const cgroups = hierarchies().map((hierarchy) => join(hierarchy, ownGroup));
  for (const cgroup of cgroups) mkdirSync(cgroup);
  mkdirSync(dir, { recursive: true });
  // The shell goes into the groups first: the host's own trees of groups begin there.
  const script = `for group in "$@"; do echo $$ >"$group/cgroup.procs" || exit; done
    exec setpriv --pdeathsig KILL unshare --mount --pid --net --cgroup --ipc --uts --fork --kill-child \
      --propagation private "$0" ${quoted(dir)} ${quoted(source)}`;
  const outer = spawn('sh', ['-c', script, boot, ...cgroups], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  const ended: Promise<unknown[]> = once(outer, 'exit');
  t.teardown(async () => {
    outer.kill('SIGKILL');
    await ended;
    await until(() => cgroups.every(removed));
    await rm(dir, { recursive: true, force: true });
  });
  const children = `/proc/${outer.pid}/task/${outer.pid}/children`;
  let first = '';
  await until(() => {
    if (outer.exitCode !== null) throw new Error('the host does not boot');
    first = readFileSync(children, 'latin1').trim();
    return first !== '' && readFileSync(`/proc/${first}/comm`, 'latin1').trim() === 'systemd';
  });

  const enter = ['-t', first, '--all', '--root', '--wd', '--', 'env', '-i'];
  const env = ['HOME=/root', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'container=lxc'];
  const host: Host = {
    async run(command, input) {
      const child = spawn('nsenter', [...enter, ...env, ...command], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(input);
      const said = { stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (part: string) => (said.stdout += part));
      child.stderr.setEncoding('utf8').on('data', (part: string) => (said.stderr += part));
      await once(child, 'close');
      return { code: child.exitCode ?? -1, ...said };
    },
    async sh(shell) {
      const command = ['bash', '-euo', 'pipefail', '-c', shell];
      const { stdout } = await run('nsenter', [...enter, ...env, ...command]);
      return stdout.trim();
    },
    log: () => readFile(join(dir, 'log/services.log'), 'utf8').catch(() => ''),
    written: ['upper-usr', 'upper-etc', 'var'].map((name) => join(dir, name)),
  };
  await until(async () => (await host.run(['systemctl', 'is-system-running'])).code === 0);
  return host;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Removes a tree of groups from its leaves on; false while a process is in one. */
function removed(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory()) removed(join(group, entry.name));
    }
    rmdirSync(group);
    return true;
  } catch {
    return !existsSync(group);
  }
}
