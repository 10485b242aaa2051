import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packArchive } from '../../../infra/images/archive.ts';
import { nodePath, nonRoot } from '../../../infra/images/base-layer.ts';
import { hostToolchain } from '../../../infra/images/host-toolchain.ts';
import { packLayer } from '../../../infra/images/layer.ts';
import { makeBase } from '../../../infra/images/make-image.ts';
import { hostArchitecture, platforms } from '../../../infra/images/platform.ts';
import type { NodeTier } from '../../cluster/tiers/node.ts';

/** Its name. */
export const smallest = 'smallest';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** The least that a function in Node can be on Knative: CommonJS, which starts in half the time of a module. */
const source = `
require('node:http')
  .createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(204).end();
  })
  .listen(process.env.PORT);
// The first process of a container is not ended by a signal that it does not take.
process.on('SIGTERM', () => process.exit());
`;

/** Puts its image on the node: the base of all images of Clover, and one file. */
export async function importSmallest(
  tier: Pick<NodeTier, 'folder' | 'importImage'>,
  image: string,
): Promise<void> {
  const platform = platforms.find(({ architecture }) => architecture === hostArchitecture);
  if (platform === undefined) throw new Error(`no images for ${hostArchitecture}`);
  const toolchain = await hostToolchain(platform, repository);
  const path = 'app/function.cjs';
  const { tar } = await packArchive({
    name: image,
    architecture: platform.architecture,
    created: new Date(0).toISOString(),
    config: {
      User: `${nonRoot}:${nonRoot}`,
      Env: ['NODE_ENV=production'],
      Entrypoint: [nodePath, `/${path}`],
      WorkingDir: '/app',
      Labels: {},
    },
    layers: [
      { ...(await makeBase(toolchain)), what: 'Node and its libraries' },
      { ...(await packLayer([{ path, mode: 0o644, data: source }])), what: smallest },
    ],
  });
  const file = join(tier.folder, 'smallest.tar');
  await writeFile(file, tar);
  await tier.importImage(file);
}
