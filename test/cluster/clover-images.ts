import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hostArchitecture } from '../../infra/images/platform.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Makes images of Clover for `importImage`, as `npm run images` does.
 * @param names of `npm run images`.
 * @returns paths of archives in a folder.
 */
export async function cloverArchives(names: readonly string[], folder: string): Promise<string[]> {
  const program = join(repository, 'infra/images/images.ts');
  await run(process.execPath, [program, ...names, '--out', folder], { cwd: repository });
  return names.map((name) => join(folder, `clover-${name}-${hostArchitecture}.tar`));
}
