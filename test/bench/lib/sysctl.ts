import { readFile, writeFile } from 'node:fs/promises';

/** Sets a kernel setting; resolves to a function that sets it back. */
export async function setSysctl(name: string, value: string): Promise<() => Promise<void>> {
  const file = `/proc/sys/${name.replaceAll('.', '/')}`;
  const before = (await readFile(file, 'utf8')).trim();
  await writeFile(file, value);
  return () => writeFile(file, before);
}
