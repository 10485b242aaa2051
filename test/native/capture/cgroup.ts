import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Where cgroup v2 is mounted. */
export function cgroupRoot(): string {
  const found = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  if (found === undefined) throw new Error('no cgroup2 is mounted');
  return found;
}

/** Makes a cgroup v2 below the root, with those that it lies in; needs root. */
export function makeCgroup(...path: readonly string[]): string {
  const folder = join(cgroupRoot(), ...path);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A command for `sh` that runs its arguments in a cgroup. */
export const inCgroup = (folder: string): string => `echo $$ > ${folder}/cgroup.procs && exec "$@"`;

/** Removes cgroups, from the innermost to the outermost; one is free a little after its last process. */
export async function removeCgroups(from: string, to: string = from): Promise<void> {
  for (let folder = from; folder.length >= to.length; folder = dirname(folder)) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        rmdirSync(folder);
        break;
      } catch (cause) {
        if (attempt > 100) throw cause;
        await delay(20);
      }
    }
  }
}
