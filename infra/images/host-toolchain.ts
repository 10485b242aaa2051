import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { CloverError } from '../../functions/lib/errors.ts';
import type { Platform } from './platform.ts';
import type { Toolchain } from './toolchain.ts';

const run = promisify(execFile);

/**
 * What this machine is made of: the addons were built against its libraries.
 * @param repository with `node_modules`.
 * @throws CloverError CLV_CONFIG_INVALID on a machine that is no Debian, or with another Node than the repository's.
 */
export async function hostToolchain(platform: Platform, repository: string): Promise<Toolchain> {
  const { file, version } = await nodePackageOf(platform, join(repository, 'node_modules'));
  if (process.versions.node !== version) {
    throw new CloverError(
      'CLV_CONFIG_INVALID',
      `images are made by the Node that they carry: this is ${process.versions.node}, not ${version}; use npm run images`,
    );
  }
  return {
    platform,
    nodeFile: file,
    nodeVersion: version,
    node: [file],
    root: '/',
    debian: await debianRelease(),
    async versionOf(name) {
      const wanted = `${name}:${platform.architecture}`;
      const { stdout } = await run('dpkg-query', ['-W', '-f=${Version}', wanted]);
      return stdout;
    },
  };
}

/** @returns Node's program in the package for the platform below `modules`, and its version. */
export async function nodePackageOf(
  { nodePackage }: Platform,
  modules: string,
): Promise<{ file: string; version: string }> {
  const folder = join(modules, nodePackage);
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  if (
    typeof manifest !== 'object' ||
    manifest === null ||
    !('version' in manifest) ||
    typeof manifest.version !== 'string'
  ) {
    throw new CloverError('CLV_CONFIG_INVALID', `${folder}/package.json has no version`);
  }
  return { file: join(folder, 'bin/node'), version: manifest.version };
}

/** @returns the release of Debian that this machine runs, such as `12`. */
export async function debianRelease(): Promise<string> {
  const { ID: id, VERSION_ID: version } = parseEnv(await readFile('/etc/os-release', 'utf8'));
  if (id === 'debian' && version !== undefined) return version;
  throw new CloverError(
    'CLV_CONFIG_INVALID',
    `images take their libraries from Debian, and this is ${id ?? 'something else'}: use infra/images/Dockerfile`,
  );
}
