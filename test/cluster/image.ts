import { readFile, writeFile } from 'node:fs/promises';
import { packArchive } from '../../infra/images/archive.ts';
import { nonRoot } from '../../infra/images/base-layer.ts';
import { packLayer } from '../../infra/images/layer.ts';
import { hostArchitecture } from '../../infra/images/platform.ts';

/** An image of one program that needs no library. */
export interface ProgramImage {
  /** With its tag: `dev.local/echo:1`. Not `latest`, which a kubelet asks a registry for. */
  readonly name: string;
  /** Path of the program. */
  readonly program: string;
}

const passwd = `root:x:0:0:root:/:/\nnonroot:x:${nonRoot}:${nonRoot}:nonroot:/:/\n`;

/**
 * Writes the image of a program as an archive for `importImage`. Its entrypoint is the program; a pod gives the arguments.
 * @param file path of the archive.
 */
export async function writeImage({ name, program }: ProgramImage, file: string): Promise<void> {
  const created = new Date(0).toISOString().replace('.000Z', 'Z');
  const layer = await packLayer([
    { path: 'program', mode: 0o755, data: await readFile(program) },
    { path: 'etc/passwd', mode: 0o644, data: passwd },
    { path: 'tmp', mode: 0o1777 },
  ]);
  const { tar } = await packArchive({
    name,
    architecture: hostArchitecture,
    created,
    config: {
      // Pods may ask for it: a kubelet refuses root there.
      User: `${nonRoot}:${nonRoot}`,
      Env: ['PATH=/'],
      Entrypoint: ['/program'],
      WorkingDir: '/',
      Labels: {},
    },
    layers: [{ ...layer, what: name }],
  });
  await writeFile(file, tar);
}
