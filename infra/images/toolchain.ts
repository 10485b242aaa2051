import type { Platform } from './platform.ts';

/** Where an image's parts that are not ours come from. */
export interface Toolchain {
  readonly platform: Platform;
  /** Node's program for the platform. */
  readonly nodeFile: string;
  /** Its version, without the `v`. */
  readonly nodeVersion: string;
  /** How to run it on this machine. */
  readonly node: readonly [string, ...string[]];
  /** A root file system of Debian, for libraries and licences. */
  readonly root: string;
  /** The release of Debian, such as `12`. */
  readonly debian: string;
  /** The version of one of its packages. */
  readonly versionOf: (debianPackage: string) => Promise<string>;
}
