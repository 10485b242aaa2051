import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostBootstrap } from '../../../infra/baremetal/host-bootstrap.ts';

const own = fileURLToPath(new URL('../../../infra/baremetal', import.meta.url));

/** Programs of a release, without their bytes; the version's name is in each. */
const programs = [
  'agent/agent.mjs',
  'clickhouse/clover-clickhouse',
  'clickhouse/command.mjs',
  'clickhouse/libchdb.so',
  'clickhouse/run',
  'cloverctl/cloverctl.mjs',
  'cloverctl/run',
  'control-plane/control-plane.mjs',
  'control-plane/worker.mjs',
  'envoy/envoy',
  'node',
  'tools/ready.mjs',
];

/** A release as `npm run release` makes it, but for what its programs are. */
export async function smallRelease(
  folder: string,
  version: string,
  files: readonly string[] = programs,
): Promise<void> {
  for (const file of files) {
    const path = join(folder, 'lib', file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\n# ${version}\n`);
    await chmod(path, 0o755);
  }
  for (const name of ['etc', 'units', 'install.sh']) {
    await cp(join(own, name), join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'etc/envoy.json'), JSON.stringify(hostBootstrap));
}
