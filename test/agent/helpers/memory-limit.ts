import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { eventually } from './test-agent.ts';

/** A cgroup with a limit of memory, as a container's; needs root. */
export interface MemoryLimit {
  /** Put before a command it runs that in the cgroup. */
  readonly prefix: readonly string[];
  /** How many processes the kernel has killed for want of memory. */
  oomKills(): Promise<number>;
  /** The most that was used, with the cache of files, which goes where there is no room. */
  mostBytes(): Promise<number>;
  /** What is used now without that cache: it cannot go. */
  boundBytes(): Promise<number>;
}

/** Runs something at an end: of a test, or of anything else. */
export interface AtEnd {
  teardown(work: () => Promise<void>): void;
}

const root = '/sys/fs/cgroup';

/** Makes one of either version of cgroups; it is gone at the end, by which its processes have to have ended. */
export async function limitMemory(t: AtEnd, bytes: number): Promise<MemoryLimit> {
  const isFirst = existsSync(join(root, 'memory'));
  if (!isFirst) await writeFile(join(root, 'cgroup.subtree_control'), '+memory');
  const folder = join(
    isFirst ? join(root, 'memory') : root,
    `clover-${randomBytes(3).toString('hex')}`,
  );
  await mkdir(folder);
  t.teardown(() => eventually('an empty cgroup', () => rmdir(folder).then(isDone, isNot)));
  const [limit, kills, most, used] = isFirst
    ? ([
        'memory.limit_in_bytes',
        'memory.oom_control',
        'memory.max_usage_in_bytes',
        'memory.usage_in_bytes',
      ] as const)
    : (['memory.max', 'memory.events', 'memory.peak', 'memory.current'] as const);
  // Of the first version `cache` has shared memory in it, of which an agent has none.
  const cache = isFirst ? /^total_cache (\d+)$/m : /^file (\d+)$/m;
  await writeFile(join(folder, limit), String(bytes));
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  return {
    prefix: ['sh', '-c', `echo $$ >${folder}/cgroup.procs && exec "$@"`, 'sh'],
    oomKills: async () => Number(/^oom_kill (\d+)$/m.exec(await read(kills))?.[1]),
    mostBytes: async () => Number(await read(most)),
    boundBytes: async () =>
      Number(await read(used)) - Number(cache.exec(await read('memory.stat'))?.[1]),
  };
}

const isDone = (): boolean => true;
const isNot = (): boolean => false;
