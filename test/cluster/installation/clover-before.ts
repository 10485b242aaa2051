import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { version as ownVersion } from '../../../functions/lib/version.ts';
import { ownSources, type CloverSources } from '../clover-images.ts';

/** Where sources of another version say something else: texts of a file, and what stands there in place of each. */
export type Differences = Readonly<Record<string, readonly (readonly [string, string])[]>>;

/** What images and cloverctl are made of. */
const parts = [
  'agent',
  'cloverctl',
  'functions',
  'infra',
  'knative',
  'native',
  'package-lock.json',
  'package.json',
];

/** Older than every other. */
const version = '0.0.9';

/**
 * Writes sources of a version before this one: these, but for their version and what is said.
 * @param folder that is not there yet.
 * @throws Error when a text that is to be another one is not there.
 */
export async function cloverBefore(
  folder: string,
  differences: Differences = {},
): Promise<CloverSources> {
  for (const part of parts) {
    await cp(join(ownSources.folder, part), join(folder, part), { recursive: true });
  }
  await symlink(join(ownSources.folder, 'node_modules'), join(folder, 'node_modules'));
  const all: Differences = {
    ...differences,
    'functions/lib/version.ts': [[`'${ownVersion}'`, `'${version}'`]],
    'package.json': [[`"version": "${ownVersion}"`, `"version": "${version}"`]],
  };
  for (const [name, changes] of Object.entries(all)) {
    const file = join(folder, name);
    let text = await readFile(file, 'utf8');
    for (const [own, before] of changes) {
      if (!text.includes(own)) throw new Error(`${name} has no ${JSON.stringify(own)}`);
      text = text.replaceAll(own, before);
    }
    await writeFile(file, text);
  }
  // It is no checkout of git.
  return { folder, version, env: { REVISION: version, SOURCE_DATE_EPOCH: '0' } };
}
