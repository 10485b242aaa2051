import { posix } from 'node:path';
import type { Json } from './resources.ts';

/**
 * Paths below the xDS folder. Each file has a folder of its own: Envoy reloads every subscription
 * whose watched folder sees a rename, so a change of routes must not touch the others.
 */
export const xdsFile = {
  clusters: 'cds/cds.json',
  listeners: 'lds/lds.json',
  routes: (port: number | string): string => `rds-${port}/rds.json`,
} as const;

/** Envoy's `ConfigSource` of one file. It acts on renames only, never on writes in place. */
export function pathSource(xdsDir: string, file: string): Json {
  const path = posix.join(xdsDir, file);
  return {
    resource_api_version: 'V3',
    path_config_source: { path, watched_directory: { path: posix.dirname(path) } },
  };
}
