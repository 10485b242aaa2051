import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from './run.ts';

/** A kernel and its modules, unpacked. */
export interface Kernel {
  /** Bootable. */
  readonly image: string;
  /** `kernel/…/*.ko*`. */
  readonly modules: string;
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A release of Debian for an architecture. */
export interface Release {
  /** Its name, such as `bullseye`. */
  readonly suite: string;
  /** As Debian writes it, such as `arm64`. */
  readonly architecture: string;
}

/**
 * Fetches the kernel of a release of Debian, signed as the release is, from the mirror that this machine's apt has; once.
 *
 * @param folder where it is kept
 * @throws Error where no source of apt is Debian's
 */
export async function fetchKernel(folder: string, release: Release): Promise<Kernel> {
  // Of virtual machines: the smallest that a release has.
  const meta = `linux-image-cloud-${release.architecture}`;
  const unpacked = await fetchOnce(
    join(folder, release.architecture, release.suite),
    release,
    async (apt) => {
      const name = /Depends: (linux-image-\S+)/.exec(await apt('apt-cache', 'depends', meta))?.[1];
      if (name === undefined) throw new Error(`${release.suite} has no ${meta}`);
      return [name];
    },
  );
  // `lib` is a link of the system in newer releases.
  const lib = (await exists(join(unpacked, 'lib'))) ? 'lib' : 'usr/lib';
  const modules = join(unpacked, lib, 'modules');
  return {
    image: join(unpacked, 'boot', await only(join(unpacked, 'boot'), 'vmlinuz-')),
    modules: join(modules, await only(modules, '')),
  };
}

/** Fetches packages in the same way; resolves to a folder with what is in them. */
export async function fetchPackages(
  folder: string,
  release: Release,
  names: readonly string[],
): Promise<string> {
  return fetchOnce(join(folder, release.architecture, 'packages'), release, async () => names);
}

type Apt = (program: 'apt-cache' | 'apt-get', ...args: readonly string[]) => Promise<string>;

async function fetchOnce(
  folder: string,
  { suite, architecture }: Release,
  choose: (apt: Apt) => Promise<readonly string[]>,
): Promise<string> {
  const target = resolve(folder);
  const unpacked = join(target, 'unpacked');
  if (await exists(unpacked)) return unpacked;
  await rm(target, { recursive: true, force: true });
  for (const part of ['lists/partial', 'archives/partial', 'packages'])
    await mkdir(join(target, part), { recursive: true });
  const sources = join(target, 'sources.list');
  await writeFile(
    sources,
    `deb [arch=${architecture} signed-by=${keyring}] ${await mirror()} ${suite} main\n`,
  );
  // Its own lists and sources: those of the machine stay as they are.
  const options = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State::Lists=${target}/lists`,
    `Dir::Cache=${target}`,
    `Dir::Cache::Archives=${target}/archives`,
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  const packages = join(target, 'packages');
  const apt: Apt = (program, ...args) => run(program, [...options, ...args], { cwd: packages });
  await apt('apt-get', 'update', '-q');
  await apt('apt-get', 'download', '-q', ...(await choose(apt)));
  const partial = `${unpacked}.partial`;
  for (const name of await readdir(packages))
    await run('dpkg-deb', ['--extract', join(packages, name), partial]);
  await rename(partial, unpacked);
  return unpacked;
}

async function mirror(): Promise<string> {
  const format = ['--format', '$(SITE)', 'Created-By: Packages', 'Label: Debian'];
  const [site] = (await run('apt-get', ['indextargets', ...format])).split('\n');
  if (site === undefined || site === '') throw new Error('no source of apt is a mirror of Debian');
  return site;
}

/** The one entry of a folder that begins so. */
async function only(folder: string, prefix: string): Promise<string> {
  const found = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  const [name] = found;
  if (name === undefined || found.length > 1)
    throw new Error(`${folder} has ${found.length} entries ${prefix}*`);
  return name;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
