import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreignToolchain } from '../../infra/images/foreign-toolchain.ts';
import { platforms } from '../../infra/images/platform.ts';
import { crossBuild } from './cross-build.ts';
import { fetchPackages } from './debian.ts';
import type { Architecture } from './machine.ts';
import { run } from './run.ts';

/** What a guest's programs are, by their files on this machine. */
export interface Userland {
  /** Linked statically. */
  readonly busybox: string;
  readonly ip: string;
  readonly node: string;
  /** A folder with `capture.node` and `tap.bpf.o`. */
  readonly native: string;
  /** Their libraries and the loader: where they are in the guest, and here. */
  readonly libraries: ReadonlyMap<string, string>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The programs of this machine. */
export async function hostUserland(): Promise<Userland> {
  const native = join(root, 'native/capture/build/Release');
  const ip = (await run('which', ['ip'])).trim();
  const libraries = new Map<string, string>();
  for (const program of [process.execPath, ip, join(native, 'capture.node')])
    for (const [path] of (await run('ldd', [program])).matchAll(/\/lib\S+/g))
      libraries.set(path, path);
  return { busybox: '/bin/busybox', ip, node: process.execPath, native, libraries };
}

/** The packages with `ip` and its libraries that Node and the addon do not need anyway. */
const packages = ['busybox-static', 'iproute2', 'libbsd0', 'libcap2', 'libmd0', 'libmnl0'];

/**
 * The programs of another architecture: Node and Debian's packages are fetched, and the addon with its kernel programs is built.
 *
 * @param folder where they are kept
 * @throws Error where there is no such architecture, or a compiler fails.
 */
export async function foreignUserland(
  folder: string,
  architecture: Architecture,
): Promise<Userland> {
  const platform = platforms.find((one) => one.architecture === architecture);
  if (platform === undefined) throw new Error(`there is no Node for ${architecture}`);
  const toolchain = await foreignToolchain(platform, root);
  const release = { suite: 'bookworm', architecture };
  const programs = await fetchPackages(folder, release, packages);
  const libraries = new Map<string, string>();
  for (const from of [toolchain.root, programs])
    for (const part of ['lib', 'usr/lib'])
      for (const [name, file] of await librariesIn(join(from, part, platform.triplet)))
        libraries.set(`/lib/${platform.triplet}/${name}`, file);
  const loader = libraries.get(`/lib/${platform.triplet}/${basename(platform.loader)}`);
  if (loader === undefined) throw new Error(`${platform.loader} is not in libc6`);
  libraries.set(`/${platform.loader}`, loader);
  const native = await crossBuild({ folder: join(folder, architecture), root, toolchain });
  return {
    busybox: join(programs, 'bin/busybox'),
    ip: join(programs, 'bin/ip'),
    node: toolchain.nodeFile,
    native,
    libraries,
  };
}

/** The shared libraries of a folder by their names; of one that is not there, none. */
async function librariesIn(folder: string): Promise<[string, string][]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.filter((name) => name.includes('.so')).map((name) => [name, join(folder, name)]);
}
