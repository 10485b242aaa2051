import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import { baseEntries } from './base-layer.ts';
import { foreignToolchain } from './foreign-toolchain.ts';
import { hostToolchain } from './host-toolchain.ts';
import { imageSources, type ImageSource } from './image-sources.ts';
import { makeBase, makeImage, makeProgram } from './make-image.ts';
import { checkNatives, nativesOf } from './natives.ts';
import { readOrigin } from './origin.ts';
import { hostArchitecture, platforms, type Platform } from './platform.ts';
import { writeRoot } from './write-root.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));

const usage = `usage: npm run images -- [NAME…] [--arch amd64|arm64] [--out DIR] [--registry PREFIX]
       npm run images -- NAME --root DIR     the files alone, for infra/images/Dockerfile
names: ${imageSources.map(({ name }) => name).join(', ')}`;

interface Wishes {
  readonly chosen: readonly ImageSource[];
  readonly platform: Platform;
  readonly out: string;
  readonly registry: string;
  readonly root: string | undefined;
}

/** Reads the command line. */
function readWishes(args: readonly string[]): Wishes {
  const { values, positionals } = parse(args);
  const platform = platforms.find(({ architecture }) => architecture === values.arch);
  if (platform === undefined) throw invalid(`--arch: found ${values.arch}`);
  const unknown = positionals.find((name) => imageSources.every((source) => source.name !== name));
  if (unknown !== undefined) throw invalid(`there is no image ${unknown}`);
  // https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests, behind a host and a port.
  if (!/^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/.test(values.registry)) {
    throw invalid(`--registry: found ${values.registry}, and it has to be as in host:5000/path`);
  }
  const chosen = imageSources.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  if (values.root !== undefined && chosen.length !== 1) throw invalid('--root takes one name');
  return { chosen, platform, out: values.out, registry: values.registry, root: values.root };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        arch: { type: 'string', default: hostArchitecture },
        out: { type: 'string', default: join(repository, 'dist/images') },
        registry: { type: 'string', default: 'dev.local' },
        root: { type: 'string' },
      },
    });
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function invalid(message: string): CloverError {
  return new CloverError('CLV_ARGUMENT_INVALID', `${message}\n${usage}`);
}

async function main(args: readonly string[]): Promise<void> {
  const wishes = readWishes(args);
  const scratch = await mkdtemp(join(tmpdir(), 'clover-images-'));
  try {
    await make(wishes, scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function make(
  { chosen, platform, out, registry, root }: Wishes,
  scratch: string,
): Promise<void> {
  const { architecture } = platform;
  const natives = nativesOf(platform, repository);
  for (const source of chosen) await checkNatives(source, repository, natives);
  const toolchain =
    architecture === hostArchitecture
      ? await hostToolchain(platform, repository)
      : await foreignToolchain(platform, repository);
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')));
  const options = {
    toolchain,
    repository,
    scratch,
    registry,
    version,
    natives,
  };
  if (root !== undefined) {
    const origin = { revision: '', created: '' };
    for (const source of chosen) {
      const { entries } = await makeProgram(source, { ...options, ...origin });
      await writeRoot([...(await baseEntries(toolchain)), ...entries], root);
    }
    return;
  }
  const origin = await readOrigin(repository, process.env);
  const base = await makeBase(toolchain);
  await mkdir(out, { recursive: true });
  for (const source of chosen) {
    const { name, digest, tar, sbom } = await makeImage(source, { ...options, ...origin, base });
    const file = join(out, `clover-${source.name}-${architecture}`);
    await writeFile(`${file}.tar`, tar);
    await writeFile(`${file}.cdx.json`, `${JSON.stringify(sbom, undefined, 2)}\n`);
    process.stdout.write(
      `${file}.tar  ${Math.round(tar.byteLength / 2 ** 20)} MiB\n  ${name}@${digest}\n`,
    );
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const argument = error instanceof CloverError && error.code === 'CLV_ARGUMENT_INVALID';
  process.stderr.write(
    `${error instanceof CloverError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = argument ? 2 : 1;
}
