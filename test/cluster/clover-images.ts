import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { version } from '../../functions/lib/version.ts';
import { hostArchitecture } from '../../infra/images/platform.ts';
import type { NodeTier } from './tiers/node.ts';

const run = promisify(execFile);

/** Sources of a Clover. */
export interface CloverSources {
  readonly folder: string;
  readonly version: string;
  /** Of processes that make something of them. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Those that are tested. */
export const ownSources: CloverSources = {
  folder: fileURLToPath(new URL('../../', import.meta.url)),
  version,
};

/**
 * Makes images of Clover for `importImage`, as `npm run images` does.
 * @param names of `npm run images`.
 * @returns paths of archives in a folder.
 */
export async function cloverArchives(
  names: readonly string[],
  folder: string,
  { folder: repository, env }: CloverSources = ownSources,
): Promise<string[]> {
  const program = join(repository, 'infra/images/images.ts');
  await run(process.execPath, [program, ...names, '--out', folder], {
    cwd: repository,
    env: { ...process.env, ...env },
  });
  return names.map((name) => join(folder, `clover-${name}-${hostArchitecture}.tar`));
}

/**
 * Makes images of Clover, and puts them on a node.
 * @param names as `npm run images` has them.
 * @returns what each is called in a pod, by its name.
 */
export async function importClover(
  tier: Pick<NodeTier, 'folder' | 'importImage'>,
  names: readonly string[],
  sources: CloverSources = ownSources,
): Promise<ReadonlyMap<string, string>> {
  const files = await cloverArchives(names, tier.folder, sources);
  await importEach(tier, files);
  return new Map(names.map((name) => [name, `dev.local/clover-${name}:${sources.version}`]));
}

/** One after the other: two at one time want the same lock of containerd, and one of them fails. */
export async function importEach(
  tier: Pick<NodeTier, 'importImage'>,
  files: readonly string[],
): Promise<void> {
  for (const file of files) await tier.importImage(file);
}
