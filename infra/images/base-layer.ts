import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Entry } from './layer.ts';
import { nodeLibraries, readLibraries, readLoader } from './libraries.ts';
import type { Toolchain } from './toolchain.ts';

/** The user of functions' containers: the one that nobody is. */
export const nonRoot = 65_532;

/** Where Node is in an image. */
export const nodePath = '/usr/local/bin/node';

/**
 * What is below every function: Node with its libraries, certificates, and two users. No shell, no package manager, no time
 * zones: Node has its own.
 */
export async function baseEntries(toolchain: Toolchain): Promise<Entry[]> {
  const { nodeFile } = toolchain;
  return [
    { path: nodePath.slice(1), mode: 0o755, data: await readFile(nodeFile) },
    text('usr/share/doc/node/LICENSE', await readFile(join(dirname(nodeFile), '../LICENSE'))),
    await readLoader(toolchain),
    ...(await readLibraries(nodeLibraries, toolchain)),
    text(
      'etc/passwd',
      `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${nonRoot}:${nonRoot}:nonroot:/:/sbin/nologin\n`,
    ),
    text('etc/group', `root:x:0:\nnonroot:x:${nonRoot}:\n`),
    // Without it the C library asks a name server for names of /etc/hosts.
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    // Mozilla's authorities, as Node has them: not those of the machine that builds.
    text('etc/ssl/certs/ca-certificates.crt', `${rootCertificates.join('\n')}\n`),
    { path: 'tmp', mode: 0o1777 },
    // Where a runtime mounts: it cannot make them in a root that is read-only.
    ...['dev', 'proc', 'sys'].map((path) => ({ path, mode: 0o755 })),
  ];
}

function text(path: string, data: Uint8Array | string): Entry {
  return { path, mode: 0o644, data };
}
