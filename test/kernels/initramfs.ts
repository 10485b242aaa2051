import { chmod, copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Kernel } from './debian.ts';
import { run } from './run.ts';
import type { Userland } from './userland.ts';

/** What the guest loads before anything else, where its kernel does not have it built in. */
const modules = ['drivers/net/veth', 'net/sched/cls_bpf', 'net/sched/sch_ingress'];

/** busybox has an `ip` of its own, which knows no veth. */
const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
for module in /modules/*.ko; do insmod $module; done
export PATH=/usr/bin:/bin
ip link set lo up
node /clover/guest.js
poweroff -f
`;

/**
 * Makes a root file system in memory: busybox, ip, Node, the native addon with its kernel programs, and `guest.ts`. All but the
 * modules is the same for every kernel.
 *
 * @param folder where it is made
 * @returns the file
 */
export async function makeInitramfs(
  folder: string,
  kernel: Kernel,
  { busybox, ip, node, native, libraries }: Userland,
): Promise<string> {
  const tree = join(folder, 'root');
  await rm(tree, { recursive: true, force: true });
  const parts = [
    'bin',
    'clover/build/Release',
    'dev',
    'modules',
    'proc',
    'run',
    'sys',
    'tmp',
    'usr/bin',
  ];
  for (const part of parts) await mkdir(join(tree, part), { recursive: true });
  await copyFile(busybox, join(tree, 'bin/busybox'));
  await copyFile(node, join(tree, 'usr/bin/node'));
  await copyFile(ip, join(tree, 'usr/bin/ip'));
  for (const name of ['capture.node', 'tap.bpf.o'])
    await copyFile(join(native, name), join(tree, 'clover/build/Release', name));
  for (const [path, file] of libraries) {
    await mkdir(join(tree, dirname(path)), { recursive: true });
    await cp(file, join(tree, path), { dereference: true });
  }
  await copyModules(kernel, join(tree, 'modules'));
  await bundleGuest(join(tree, 'clover/guest.js'));
  await writeFile(join(tree, 'init'), init);
  await chmod(join(tree, 'init'), 0o755);
  const file = join(folder, 'initramfs');
  const archive = 'find . | cpio --create --format=newc --quiet | gzip -1 >"$1"';
  await run('sh', ['-c', archive, 'sh', relative(tree, file)], { cwd: tree });
  await rm(tree, { recursive: true });
  return file;
}

async function copyModules(kernel: Kernel, target: string): Promise<void> {
  for (const module of modules) {
    const folder = join(kernel.modules, 'kernel', dirname(module));
    const file = (await readdir(folder)).find((name) => name.startsWith(`${basename(module)}.ko`));
    if (file === undefined) throw new Error(`${kernel.modules} has no ${module}`);
    await copyFile(join(folder, file), join(target, file));
    if (file.endsWith('.xz')) await run('xz', ['--decompress', join(target, file)]);
  }
}

async function bundleGuest(outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('guest.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outfile,
    logLevel: 'error',
  });
  await writeFile(join(dirname(outfile), 'package.json'), '{"type":"module"}\n');
}
