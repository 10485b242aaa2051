import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const key = /[0-9a-f]{16}$/;

/**
 * Removes what was built of a module under other keys: no version but this one finds it.
 * @param current the folder `<module>-<key>` that stays, beside the others.
 * @returns the names of what is gone.
 */
export async function removeStaleBuilds(current: string): Promise<readonly string[]> {
  const [bin, name] = [dirname(current), basename(current)];
  const module = name.replace(key, '');
  const stale = (await readdir(bin)).filter(
    // The name of one module may begin with that of another.
    (other) => other !== name && key.test(other) && other.replace(key, '') === module,
  );
  for (const other of stale) await rm(join(bin, other), { recursive: true });
  return stale;
}
