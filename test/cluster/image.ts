import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { packArchive } from '../../infra/images/archive.ts';
import { nonRoot } from '../../infra/images/base-layer.ts';
import { digestOf } from '../../infra/images/digest.ts';
import { hostToolchain } from '../../infra/images/host-toolchain.ts';
import { packFiles, withFolders, type Entry, type Layer } from '../../infra/images/layer.ts';
import { readLibraries, readLoader, type Libraries } from '../../infra/images/libraries.ts';
import { hostArchitecture, platforms } from '../../infra/images/platform.ts';

/** An image of one program, and of files that it needs. */
export interface ProgramImage {
  /** With its tag: `dev.local/echo:1`. Not `latest`, which a kubelet asks a registry for. */
  readonly name: string;
  /** Path of the program. */
  readonly program: string;
  /** Where it is in the image, below the root. @default 'program' */
  readonly path?: string;
  /** Paths of more files, by where they are in the image, below the root; what can be run here can be run there. */
  readonly files?: Readonly<Record<string, string>>;
  /** What it needs of Debian. Default: nothing, not even a loader. */
  readonly libraries?: Libraries;
}

const repository = fileURLToPath(new URL('../../', import.meta.url));
const passwd = `root:x:0:0:root:/:/\nnonroot:x:${nonRoot}:${nonRoot}:nonroot:/:/\n`;
const compress = promisify(gzip);

/**
 * Writes the image of a program as an archive for `importImage`. Its entrypoint is the program; a pod gives the arguments.
 * @param file path of the archive.
 */
export async function writeImage(image: ProgramImage, file: string): Promise<void> {
  const { name, path = 'program', libraries } = image;
  const created = new Date(0).toISOString().replace('.000Z', 'Z');
  const layer = await storedLayer([
    ...(await Promise.all(sourcesOf(image).map(readEntry))),
    ...(libraries === undefined ? [] : await entriesOf(libraries)),
    { path: 'etc/passwd', mode: 0o644, data: passwd },
    { path: 'tmp', mode: 0o1777 },
    // Where a runtime mounts: it cannot make them in a root that is read-only.
    ...['dev', 'proc', 'sys'].map((folder) => ({ path: folder, mode: 0o755 })),
  ]);
  const { tar } = await packArchive({
    name,
    architecture: hostArchitecture,
    created,
    config: {
      // Pods may ask for it: a kubelet refuses root there.
      User: `${nonRoot}:${nonRoot}`,
      Env: ['PATH=/'],
      Entrypoint: [`/${path}`],
      WorkingDir: '/',
      Labels: {},
    },
    layers: [{ ...layer, what: name }],
  });
  await writeFile(file, tar);
}

/**
 * The archive of a program's image, beside the program: it is written once.
 * @returns its path.
 */
export async function keptImage(image: ProgramImage): Promise<string> {
  const states = await Promise.all(sourcesOf(image).map(async ([, source]) => stat(source)));
  const sources = states.map(({ mtimeMs, size }) => ({ mtimeMs, size }));
  const own = await readFile(fileURLToPath(import.meta.url), 'utf8');
  const key = digestOf(Buffer.from(JSON.stringify({ image, sources, own }))).slice(-16);
  const file = `${image.program}.${key}.tar`;
  try {
    await stat(file);
  } catch {
    const part = `${file}.${process.pid}.part`;
    await writeImage(image, part);
    await rename(part, file);
  }
  return file;
}

/** Where each file is in the image, and here. */
function sourcesOf({ program, path = 'program', files = {} }: ProgramImage): [string, string][] {
  return [[path, program], ...Object.entries(files)];
}

async function readEntry([path, source]: [string, string]): Promise<Entry> {
  const { mode } = await stat(source);
  return { path, mode: mode & 0o111 ? 0o755 : 0o644, data: await readFile(source) };
}

async function entriesOf(libraries: Libraries): Promise<Entry[]> {
  const platform = platforms.find(({ architecture }) => architecture === hostArchitecture);
  if (platform === undefined) throw new Error(`no images for ${hostArchitecture}`);
  const toolchain = await hostToolchain(platform, repository);
  return [await readLoader(toolchain), ...(await readLibraries(libraries, toolchain))];
}

/** It goes to the same machine: to compress it would take longer than to copy it. */
async function storedLayer(entries: readonly Entry[]): Promise<Layer> {
  const tar = await packFiles(withFolders(entries));
  const blob = await compress(tar, { level: 0 });
  return { diffId: digestOf(tar), digest: digestOf(blob), blob };
}
