import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { packTar, unpackTar } from 'modern-tar';

const nameOf = (input: Uint8Array): string => createHash('sha1').update(input).digest('hex');

/**
 * Writes inputs into a folder as libFuzzer names them, by their hash.
 *
 * @param inputs the inputs; one that is there already is written over with itself
 */
export async function writeInputs(folder: string, inputs: readonly Uint8Array[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const input of inputs) await writeFile(join(folder, nameOf(input)), input);
}

/** The inputs of a folder, in the order of their names. */
export async function readInputs(folder: string): Promise<Buffer[]> {
  const names = (await readdir(folder)).toSorted();
  return Promise.all(names.map(async (name) => readFile(join(folder, name))));
}

/** One file of many inputs. The same inputs give the same bytes. */
export async function packInputs(inputs: readonly Uint8Array[]): Promise<Buffer> {
  const entries = inputs.map((input) => ({
    header: { name: nameOf(input), size: input.length, mtime: new Date(0) },
    body: input,
  }));
  return gzipSync(await packTar(entries), { level: 9 });
}

/** The inputs of {@link packInputs}. */
export async function unpackInputs(packed: Uint8Array): Promise<Uint8Array[]> {
  const entries = await unpackTar(gunzipSync(packed));
  return entries.map(({ data }) => data ?? new Uint8Array());
}
