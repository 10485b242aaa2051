import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Entry } from './layer.ts';
import type { Toolchain } from './toolchain.ts';

/** Libraries by the package of Debian that has them. */
export type Libraries = Readonly<Record<string, readonly string[]>>;

/** What Node and the C++ of its addons need. The loader is there by its own path. */
export const nodeLibraries: Libraries = {
  libc6: ['libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0'],
  'libgcc-s1': ['libgcc_s.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
};

/** What the capture addon needs beyond that. */
export const captureLibraries: Libraries = {
  libbpf1: ['libbpf.so.1'],
  libelf1: ['libelf.so.1'],
  zlib1g: ['libz.so.1'],
};

/** Reads libraries, and the licences of their packages. */
export async function readLibraries(
  libraries: Libraries,
  { platform, root }: Toolchain,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const [name, files] of Object.entries(libraries)) {
    const licence = `usr/share/doc/${name}/copyright`;
    entries.push({ path: licence, mode: 0o644, data: await readFile(join(root, licence)) });
    for (const file of files) {
      const path = `lib/${platform.triplet}/${file}`;
      entries.push({ path, mode: 0o755, data: await readLibrary(root, path) });
    }
  }
  return entries;
}

/** Reads the loader. */
export async function readLoader({ platform, root }: Toolchain): Promise<Entry> {
  const { loader, triplet } = platform;
  const data = await readLibrary(root, `lib/${triplet}/${basename(loader)}`);
  return { path: loader, mode: 0o755, data };
}

/** Some of Debian's packages have their libraries in `/lib`, some in `/usr/lib`: in a root of unpacked ones these are two folders. */
async function readLibrary(root: string, path: string): Promise<Buffer> {
  try {
    return await readFile(join(root, 'usr', path));
  } catch {
    return readFile(join(root, path));
  }
}
