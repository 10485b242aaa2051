import { join } from 'node:path';
import { cloverArchives } from '../clover-images.ts';
import { writeImage } from '../image.ts';
import type { NodeTier } from '../tiers/node.ts';

/** The nginx of the machine, under the name by which the sample's manifests ask for it. */
const nginx = {
  name: 'docker.io/library/nginx:1.22',
  program: '/usr/sbin/nginx',
  path: 'usr/sbin/nginx',
  libraries: {
    libc6: ['libc.so.6'],
    libcrypt1: ['libcrypt.so.1'],
    'libpcre2-8-0': ['libpcre2-8.so.0'],
    libssl3: ['libcrypto.so.3', 'libssl.so.3'],
    zlib1g: ['libz.so.1'],
  },
} as const;

/** Puts the images of the sample on a node: nginx, and the load generator. */
export async function importSdcImages(
  tier: Pick<NodeTier, 'folder' | 'importImage'>,
): Promise<void> {
  const file = join(tier.folder, 'nginx.tar');
  await writeImage(nginx, file);
  const archives = await cloverArchives(['load'], tier.folder);
  for (const archive of [file, ...archives]) await tier.importImage(archive);
}
