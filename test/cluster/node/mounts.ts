import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';

/**
 * What the kubelet wants of the kernel for the sake of a machine that does nothing else. It sees these values, and so leaves the
 * machine's alone. https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/util/sysctl/sysctl.go
 */
const wantedSettings: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** Folders that the programs of a node write to at fixed paths. */
const ownFolders = ['/run', '/var/lib', '/var/log'];

/** Passes its arguments by pairs: what to mount where. The mounts end with the last process that sees them. */
const script = `
mount --make-rshared /
while [ $# -gt 0 ]; do
  if [ -e "$2" ]; then mount --bind "$1" "$2"; fi
  shift 2
done
echo mounted
exec sleep infinity`;

/**
 * Starts a process that keeps mounts for the programs of a node: they see the machine's files, but have the folders that they
 * write to for themselves, and what they mount is not seen outside.
 * @returns its pid.
 */
export async function holdMounts(supervisor: Supervisor, folder: string): Promise<number> {
  const settings = Object.entries(wantedSettings).map(([name, value]) => {
    const file = join(folder, 'settings', name.replaceAll('/', '.'));
    return { own: file, seen: `/proc/sys/${name}`, value };
  });
  mkdirSync(join(folder, 'settings'), { recursive: true });
  for (const { own, value } of settings) writeFileSync(own, `${value}\n`);
  const folders = ownFolders.map((seen) => ({ own: join(folder, 'root', seen), seen }));
  for (const { own } of folders) mkdirSync(own, { recursive: true });
  const pairs = [...settings, ...folders].flatMap(({ own, seen }) => [own, seen]);
  const name = 'node-mounts';
  const { pid, stdout, exited } = await supervisor.start({
    name,
    command: 'unshare',
    args: ['--mount', '--propagation', 'slave', '--', 'sh', '-euc', script, 'sh', ...pairs],
    stdout: true,
    graceMs: 1_000,
  });
  if (stdout === null) throw new Error(`${name} has no output`);
  const said = await Promise.race([lineOf(stdout), exited.then(() => 'ended')]);
  if (said !== 'mounted') throw new Error(`no mounts of its own:\n${supervisor.tail(name)}`);
  return pid;
}

async function lineOf(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(stream)) return line;
  return '';
}
