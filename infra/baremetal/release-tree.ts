import { chmod, constants, copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EmbeddedPrograms } from '../../functions/analytics/embedded-command.ts';
import { version } from '../../functions/lib/version.ts';
import { licencesOf, packagesOf } from '../images/npm-packages.ts';
import {
  agentProcess,
  bundleProcess,
  controlPlaneProcess,
  type ProcessSource,
} from '../images/process-bundle.ts';
import { hostBootstrap } from './host-bootstrap.ts';

/** What a release is made of, besides the checkout's own code. */
export interface ReleaseInputs {
  /** The checkout. */
  readonly repository: string;
  /** Program files. */
  readonly node: string;
  readonly envoy: string;
  readonly clickhouse: EmbeddedPrograms;
  /** Made anew. */
  readonly folder: string;
}

const script = (modules: ProcessSource['modules']): ProcessSource => ({
  modules,
  natives: {},
  without: [],
  root: false,
});

/** Programs in Node, by their folder in the release. */
const programs: Readonly<Record<string, ProcessSource>> = {
  agent: agentProcess,
  clickhouse: script({ command: 'infra/baremetal/clickhouse-command.ts' }),
  cloverctl: script({ cloverctl: 'cloverctl/main.ts' }),
  'control-plane': controlPlaneProcess,
  tools: script({ ready: 'infra/baremetal/ready.ts' }),
};

/**
 * Makes a release for hosts without Kubernetes: `lib` is to be `/usr/lib/clover`, `etc` has templates for `/etc/clover`, `units`
 * what systemd reads, and `install.sh` puts them there.
 */
export async function makeReleaseTree(inputs: ReleaseInputs): Promise<void> {
  const { repository, folder } = inputs;
  const own = join(repository, 'infra/baremetal');
  const lib = join(folder, 'lib');
  await rm(folder, { recursive: true, force: true });
  await mkdir(lib, { recursive: true });
  const used: string[] = [];
  for (const [name, source] of Object.entries(programs)) {
    const natives = join(repository, 'native');
    const { inputs: files } = await bundleProcess(source, repository, natives, join(lib, name));
    used.push(...files);
  }
  await place(inputs.node, join(lib, 'node'));
  await place(inputs.envoy, join(lib, 'envoy/envoy'));
  await place(inputs.clickhouse.launcher, join(lib, 'clickhouse/clover-clickhouse'));
  await place(inputs.clickhouse.library, join(lib, 'clickhouse/libchdb.so'));
  await place(join(own, 'clickhouse-run'), join(lib, 'clickhouse/run'));
  await place(join(own, 'cloverctl-run'), join(lib, 'cloverctl/run'));
  await writeFile(join(lib, 'LICENSES'), licencesOf(await packagesOf([...new Set(used)])));
  await writeFile(join(lib, 'VERSION'), `${version}\n`);
  await cp(join(repository, 'LICENSE'), join(lib, 'LICENSE'));

  await cp(join(own, 'etc'), join(folder, 'etc'), { recursive: true });
  await writeFile(join(folder, 'etc/envoy.json'), `${JSON.stringify(hostBootstrap, null, 2)}\n`);
  await cp(join(own, 'units'), join(folder, 'units'), { recursive: true });
  await place(join(own, 'install.sh'), join(folder, 'install.sh'));
}

/** Copies a program: its blocks are shared where the file system can. */
async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o755);
}
