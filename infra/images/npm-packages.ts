import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** A package of npm that has a file in a bundle. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** As its `package.json` writes it: an SPDX expression, by npm's rules. */
  readonly licence: string | undefined;
  /** The text of its licence, which goes where its code goes. */
  readonly licenceText: string | undefined;
}

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().optional(),
});

/** @returns the packages of npm that the inputs of a bundle are files of, sorted by name. */
export async function packagesOf(inputs: readonly string[]): Promise<NpmPackage[]> {
  const folders = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  const packages = await Promise.all([...folders].map(readPackage));
  return packages.toSorted((a, b) =>
    `${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1,
  );
}

/** The innermost folder of a package that a path lies in. Packages have `package.json` files deeper down too. */
function packageFolder(path: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

async function readPackage(folder: string): Promise<NpmPackage> {
  const { name, version, license } = manifest.parse(
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
  );
  const file = (await readdir(folder)).find((entry) => /^(?:licen[cs]e|copying)\b/i.test(entry));
  const licenceText = file === undefined ? undefined : await readFile(join(folder, file), 'utf8');
  return { name, version, licence: license, licenceText };
}

/** One text of all their licences. */
export function licencesOf(packages: readonly NpmPackage[]): string {
  return packages
    .map(
      ({ name, version, licence, licenceText }) =>
        `${name} ${version} (${licence ?? 'no licence given'})\n\n${licenceText ?? ''}`,
    )
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}
