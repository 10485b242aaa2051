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

/** Of virtual machines: the smallest that a release has. */
const metaPackage = 'linux-image-cloud-amd64';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Fetches the kernel of a release of Debian, signed as the release is, from the mirror that this machine's apt has; once.
 *
 * @param folder where it is kept
 * @param suite the release's name, such as `bullseye`
 * @throws Error where no source of apt is Debian's
 */
export async function fetchKernel(folder: string, suite: string): Promise<Kernel> {
  const target = resolve(folder, suite);
  const unpacked = join(target, 'unpacked');
  if (!(await exists(unpacked))) await unpack(target, suite, unpacked);
  // `lib` is a link of the system in newer releases.
  const lib = (await exists(join(unpacked, 'lib'))) ? 'lib' : 'usr/lib';
  const modules = join(unpacked, lib, 'modules');
  return {
    image: join(unpacked, 'boot', await only(join(unpacked, 'boot'), 'vmlinuz-')),
    modules: join(modules, await only(modules, '')),
  };
}

async function unpack(target: string, suite: string, unpacked: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  for (const part of ['lists/partial', 'archives/partial'])
    await mkdir(join(target, part), { recursive: true });
  const sources = join(target, 'sources.list');
  await writeFile(
    sources,
    `deb [arch=amd64 signed-by=${keyring}] ${await mirror()} ${suite} main\n`,
  );
  // Its own lists and sources: those of the machine stay as they are.
  const options = [
    `Dir::State::Lists=${target}/lists`,
    `Dir::Cache=${target}`,
    `Dir::Cache::Archives=${target}/archives`,
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await run('apt-get', [...options, 'update', '-q']);
  const depends = await run('apt-cache', [...options, 'depends', metaPackage]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`${suite} has no ${metaPackage}`);
  await run('apt-get', [...options, 'download', '-q', name], { cwd: target });
  const archive = join(target, await only(target, 'linux-image-'));
  const partial = `${unpacked}.partial`;
  await run('dpkg-deb', ['--extract', archive, partial]);
  await rename(partial, unpacked);
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
