import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Toolchain } from '../../infra/images/toolchain.ts';
import { run } from './run.ts';

/** What {@link crossBuild} needs. */
export interface CrossBuildOptions {
  /** Where it is done. */
  readonly folder: string;
  /** The checkout. */
  readonly root: string;
  /** Of the other architecture. */
  readonly toolchain: Toolchain;
}

/** As `uname -m` has it, by the name of Debian and of Node. */
const machines = { amd64: 'x86_64', arm64: 'aarch64' } as const;
const nodeNames = { amd64: 'x64', arm64: 'arm64' } as const;

/**
 * Builds the capture addon and the kernel programs for another architecture, with Debian's compilers for it.
 *
 * @returns the folder with `capture.node` and `tap.bpf.o`
 * @throws Error with what a compiler said.
 */
export async function crossBuild({ folder, root, toolchain }: CrossBuildOptions): Promise<string> {
  const { architecture, triplet } = toolchain.platform;
  const source = resolve(folder, 'capture');
  const found = resolve(folder, 'found');
  for (const path of [source, found]) await rm(path, { recursive: true, force: true });
  // A build in the checkout would take the place of this machine's own.
  await cp(join(root, 'native/capture'), source, {
    recursive: true,
    filter: (path) => path !== join(root, 'native/capture/build'),
  });
  // Of libbpf the headers are the same everywhere, and the library has no name for linkers without its development package.
  await mkdir(found, { recursive: true });
  await symlink('/usr/include/bpf', join(found, 'bpf'));
  const libraries = join(toolchain.root, 'usr/lib', triplet);
  await symlink(join(libraries, 'libbpf.so.1'), join(found, 'libbpf.so'));
  const prefix = `${machines[architecture]}-linux-gnu`;
  const environment = {
    CC: `${prefix}-gcc`,
    CXX: `${prefix}-g++`,
    AR: `${prefix}-ar`,
    ASM_HEADERS: `/usr/${prefix}/include`,
    CXXFLAGS: `-isystem ${found}`,
    LDFLAGS: `-L${found} -Wl,-rpath-link,${libraries}:${join(toolchain.root, 'lib', triplet)}`,
  };
  const nodeFolder = dirname(dirname(resolve(toolchain.nodeFile)));
  const arch = nodeNames[architecture];
  await run(
    'node-gyp',
    ['rebuild', '-C', source, `--arch=${arch}`, `--nodedir=${nodeFolder}`, '--jobs=max'],
    {
      environment,
    },
  );
  return join(source, 'build/Release');
}
