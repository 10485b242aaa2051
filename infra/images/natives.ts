import { join } from 'node:path';
import type { Platform } from './platform.ts';
import { hostArchitecture } from './platform.ts';

/** Where the native addons for a platform are: this machine's are where `npm run setup` builds them. */
export function nativesOf({ architecture }: Platform, repository: string): string {
  return architecture === hostArchitecture
    ? join(repository, 'native')
    : join(repository, '.cache/images', architecture, 'native');
}
