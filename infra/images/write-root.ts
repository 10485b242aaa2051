import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolders, type Entry } from './layer.ts';

/** Writes the files of an image into a folder, for a builder that makes the layers by itself. */
export async function writeRoot(entries: readonly Entry[], root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const { path, mode, data } of withFolders(entries)) {
    const file = join(root, path);
    if (data === undefined) await mkdir(file, { recursive: true });
    else await writeFile(file, data);
    await chmod(file, mode);
  }
}
