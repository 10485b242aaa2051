import { access } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CloverError } from '../../functions/lib/errors.ts';
import type { BundleSource } from './bundle.ts';
import type { ImageSource } from './image-sources.ts';
import { hostArchitecture, type Platform } from './platform.ts';

/** Where the native addons for a platform are: this machine's are where `npm run setup` builds them. */
export function nativesOf({ architecture }: Platform, repository: string): string {
  return architecture === hostArchitecture
    ? join(repository, 'native')
    : join(repository, '.cache/images', architecture, 'native');
}

/** The same function with the addons of a folder in place of this machine's. */
export function withNatives(
  source: BundleSource,
  repository: string,
  natives: string,
): BundleSource {
  const addons = Object.entries(source.addons ?? {}).map(([to, from]): [string, string] => [
    to,
    join(natives, relative(join(repository, 'native'), from)),
  ]);
  return { ...source, addons: Object.fromEntries(addons) };
}

/**
 * Looks for the native files of an image before anything is made.
 * @throws CloverError CLV_CONFIG_INVALID naming the one that is not there.
 */
export async function checkNatives(
  { name, program }: ImageSource,
  repository: string,
  natives: string,
): Promise<void> {
  const wanted =
    'natives' in program
      ? Object.values(program.natives).map((file) => join(natives, file))
      : Object.values(withNatives(program, repository, natives).addons ?? {});
  for (const file of wanted) {
    try {
      await access(file);
    } catch (cause) {
      throw new CloverError(
        'CLV_CONFIG_INVALID',
        `the image ${name} wants ${relative(repository, file)}, which is not there: build it on such a machine, or use infra/images/Dockerfile with --platform`,
        { cause },
      );
    }
  }
}
