import { statSync, watch, type FSWatcher } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { every } from './every.ts';
import type { NodePoint, OpenPodDirectory, PodDirectory } from './pod-directory.ts';

const pod = z
  .strictObject({
    namespace: z.string().min(1),
    name: z.string().min(1),
    uid: z.string().min(1),
    labels: z.record(z.string(), z.string()).default({}),
    /** Host side of the pod's veth. IFNAMSIZ is 16 with the final zero. */
    interface: z
      .string()
      .regex(/^(?!\.{1,2}$)[^/\s]{1,15}$/, 'must be the name of an interface')
      .optional(),
    /** The pod's folder where cgroup v2 is mounted; taken rather than the interface. */
    cgroup: z.string().startsWith('/', 'must be an absolute path').optional(),
    addresses: z.array(z.string()).default([]),
  })
  .refine((one) => one.interface !== undefined || one.cgroup !== undefined, {
    message: 'has neither interface nor cgroup',
  });

const areDistinct = (names: readonly (string | undefined)[]): boolean => {
  const given = names.filter((name) => name !== undefined);
  return new Set(given).size === given.length;
};

const directoryFile = z
  .strictObject({ pods: z.array(pod) })
  .refine(({ pods }) => areDistinct(pods.map((one) => one.interface)), {
    message: 'two pods have the same interface',
  })
  .refine(({ pods }) => areDistinct(pods.map((one) => one.cgroup)), {
    message: 'two pods have the same cgroup',
  });

type FilePod = z.output<typeof pod>;

/** What {@link podFile} needs. */
export interface PodFileOptions {
  readonly file: string;
  /** Index of a network interface, undefined when there is none. */
  readonly ifindexOf: (name: string) => number | undefined;
  readonly log: Logger;
}

const pollMs = 1_000;

/** The pods of a file that others replace. A file that cannot be read or is broken changes nothing. */
export function podFile(options: PodFileOptions): OpenPodDirectory {
  return (onChange) => openFile(options, onChange);
}

function openFile(options: PodFileOptions, onChange: () => void): PodDirectory {
  const { file, log } = options;
  let pods: readonly FilePod[] | undefined;
  let seen = '';
  let failed = 0;
  let watcher: FSWatcher | undefined;

  const startWatching = (): void => {
    try {
      // The folder, not the file: a rename over the file would leave a watch on the old inode.
      watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(file)) void refresh();
      });
      watcher.on('error', () => {
        watcher?.close();
        watcher = undefined;
      });
    } catch {
      watcher = undefined;
    }
  };

  const refresh = async (): Promise<void> => {
    const version = await fileVersion(file);
    if (version === seen) return;
    seen = version;
    try {
      pods = directoryFile.parse(JSON.parse(await readFile(file, 'utf8'))).pods;
      log.info({ pods: pods.length }, 'pod directory read');
      onChange();
    } catch (error) {
      failed += 1;
      log.error({ err: error, file }, 'the pod directory is broken: the last good one stays');
    }
  };

  // Hints of the file system are not reliable everywhere.
  const polling = every(pollMs, async () => {
    if (watcher === undefined) startWatching();
    await refresh();
  });

  return {
    pods: () => pods,
    locate: (uids) => {
      const located = (pods ?? [])
        .filter(({ uid }) => uids.has(uid))
        .map((one) => ({ uid: one.uid, points: pointsOf(one, options) }))
        .filter(({ points }) => points.length > 0);
      return new Map(
        located.map(({ uid, points }) => [
          uid,
          points.map((point) => ({ points: [point], unseen: [] })),
        ]),
      );
    },
    get failed() {
      return failed;
    },
    async stop() {
      const stopped = polling.stop();
      watcher?.close();
      await stopped;
    },
  };
}

/** Each of them has all of the pod's traffic. */
function pointsOf(
  { cgroup, interface: name }: FilePod,
  { ifindexOf }: PodFileOptions,
): readonly NodePoint[] {
  const points: NodePoint[] = [];
  if (cgroup !== undefined) {
    const inode = statSync(cgroup, { throwIfNoEntry: false })?.ino;
    if (inode !== undefined) points.push({ name: cgroup, point: cgroup, inode });
  }
  if (name !== undefined) {
    const ifindex = ifindexOf(name);
    if (ifindex !== undefined) points.push({ name, point: ifindex });
  }
  return points;
}

/** Changes with each write and each rename over the file. */
async function fileVersion(file: string): Promise<string> {
  try {
    const found = await stat(file, { bigint: true });
    return `${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}`;
  } catch {
    return 'missing';
  }
}
