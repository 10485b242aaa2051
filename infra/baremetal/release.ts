import { access, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { embeddedPrograms } from '../../functions/analytics/embedded-command.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { version } from '../../functions/lib/version.ts';
import { nodePackageOf } from '../images/host-toolchain.ts';
import { hostArchitecture, platforms } from '../images/platform.ts';
import { makeReleaseTree } from './release-tree.ts';

const usage = 'usage: npm run release -- [--out DIR]';
const repository = fileURLToPath(new URL('../../', import.meta.url));

function outFolder(args: readonly string[]): string {
  const name = `clover-${version}-linux-${hostArchitecture}`;
  try {
    const { values } = parseArgs({ args: [...args], options: { out: { type: 'string' } } });
    return resolve(values.out ?? join(repository, 'dist/release', name));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CloverError('CLV_ARGUMENT_INVALID', `${why}\n${usage}`, { cause });
  }
}

/** It is made anew: a folder that is no release must not be lost. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.length > 0 && !(names.includes('install.sh') && names.includes('units'))) {
    throw new CloverError('CLV_ARGUMENT_INVALID', `${folder} is there, and is no release`);
  }
}

async function main(args: readonly string[]): Promise<void> {
  const folder = outFolder(args);
  const platform = platforms.find(({ architecture }) => architecture === hostArchitecture);
  if (platform === undefined) {
    throw new CloverError('CLV_CONFIG_INVALID', `there is no release for ${hostArchitecture}`);
  }
  const { file: node } = await nodePackageOf(platform, join(repository, 'node_modules'));
  const envoy = join(repository, '.cache/envoy/envoy');
  const clickhouse = embeddedPrograms();
  await refuseForeign(folder);
  for (const program of [node, envoy, clickhouse.launcher]) await access(program);
  await makeReleaseTree({ repository, node, envoy, clickhouse, folder });
  process.stdout.write(`${folder}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof CloverError && error.code === 'CLV_ARGUMENT_INVALID' ? 2 : 1;
}
