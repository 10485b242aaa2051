import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { packArchive } from './archive.ts';
import { baseEntries, nodePath, nonRoot } from './base-layer.ts';
import { bundle } from './bundle.ts';
import type { ImageSource } from './image-sources.ts';
import { packLayer, type Entry, type Layer } from './layer.ts';
import { captureLibraries, readLibraries } from './libraries.ts';
import { withNatives } from './natives.ts';
import { licencesOf, packagesOf, type NpmPackage } from './npm-packages.ts';
import type { RunConfig } from './oci.ts';
import { bundleProcess } from './process-bundle.ts';
import { writeSbom, type Sbom } from './sbom.ts';
import type { Toolchain } from './toolchain.ts';

/** Where the program is in an image. */
const appFolder = '/app';

/** What all images of one call have in common. */
export interface ImageOptions {
  readonly toolchain: Toolchain;
  /** The checkout. */
  readonly repository: string;
  /** Where bundles are made, each in a folder of its name. */
  readonly scratch: string;
  /** What comes before the image's own name: a registry's host and a path. */
  readonly registry: string;
  /** Clover's version: the tag. */
  readonly version: string;
  /** The commit that it is made of. */
  readonly revision: string;
  /** RFC 3339. */
  readonly created: string;
  /** Node and its libraries, packed once for all. */
  readonly base: Layer;
  /** The folder with native addons for the platform: `codec/build/Release`, `capture/build/Release`. */
  readonly natives: string;
}

/** A finished image with its bill. */
export interface Image {
  readonly name: string;
  readonly digest: string;
  readonly tar: Uint8Array;
  readonly sbom: Sbom;
}

/** What a program adds to the base. */
export interface Program {
  readonly config: RunConfig;
  readonly entries: readonly Entry[];
  readonly packages: readonly NpmPackage[];
}

/** Makes an image: the base, and its program. */
export async function makeImage(source: ImageSource, options: ImageOptions): Promise<Image> {
  const { toolchain, version, created, base } = options;
  const { config, entries, packages } = await makeProgram(source, options);
  const image = `${options.registry}/clover-${source.name}`;
  const { digest, tar } = await packArchive({
    name: `${image}:${version}`,
    architecture: toolchain.platform.architecture,
    created,
    config,
    layers: [
      { ...base, what: `Node ${toolchain.nodeVersion} and its libraries` },
      { ...(await packLayer(entries)), what: `clover ${source.name}` },
    ],
  });
  const { libraries } = source;
  const sbom = await writeSbom({ image, version, created, digest, packages, libraries, toolchain });
  return { name: `${image}:${version}`, digest, tar, sbom };
}

/** Makes the base that all images share. */
export async function makeBase(toolchain: Toolchain): Promise<Layer> {
  return packLayer(await baseEntries(toolchain));
}

/** Bundles the program of an image. */
export async function makeProgram(
  source: ImageSource,
  options: Omit<ImageOptions, 'base'>,
): Promise<Program> {
  const { toolchain, repository, natives } = options;
  const folder = join(options.scratch, source.name);
  const { program } = source;
  const isProcess = 'natives' in program;
  const { args, env, inputs } = isProcess
    ? await bundleProcess(program, repository, natives, folder)
    : await bundle(withNatives(program, repository, natives), folder, toolchain.node);
  const isRoot = isProcess && program.root;
  const port = isProcess ? program.port : 8080;
  // Only the agent's addon wants more than Node does.
  const own = isRoot ? await readLibraries(captureLibraries, toolchain) : [];
  const packages = await packagesOf(inputs);
  return {
    packages,
    entries: [
      ...own,
      ...(await filesOf(folder)),
      { path: `${appFolder.slice(1)}/LICENSES`, mode: 0o644, data: licencesOf(packages) },
    ],
    config: {
      User: isRoot ? '0:0' : `${nonRoot}:${nonRoot}`,
      ...(port === undefined ? {} : { ExposedPorts: { [`${port}/tcp`]: {} } }),
      Env: [
        'PATH=/usr/local/bin:/usr/bin:/bin',
        'NODE_ENV=production',
        ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ],
      Entrypoint: [
        nodePath,
        ...args.map((arg) => (arg.startsWith(folder) ? `${appFolder}/${basename(arg)}` : arg)),
      ],
      WorkingDir: appFolder,
      Labels: {
        'org.opencontainers.image.title': `clover ${source.name}`,
        'org.opencontainers.image.version': options.version,
        'org.opencontainers.image.revision': options.revision,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    },
  };
}

async function filesOf(folder: string): Promise<Entry[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    found
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const inside = `${appFolder.slice(1)}/${path.slice(folder.length + 1)}`;
        return { path: inside, mode: 0o644, data: await readFile(path) };
      }),
  );
}
