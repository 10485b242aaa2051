import { watch, type FSWatcher } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';

const pod = z.strictObject({
  namespace: z.string().min(1),
  name: z.string().min(1),
  uid: z.string().min(1),
  labels: z.record(z.string(), z.string()).default({}),
  /** Host side of the pod's veth. IFNAMSIZ is 16 with the final zero. */
  interface: z.string().regex(/^(?!\.{1,2}$)[^/\s]{1,15}$/, 'must be the name of an interface'),
  addresses: z.array(z.string()).default([]),
});

const directoryFile = z
  .strictObject({ pods: z.array(pod) })
  .refine((file) => new Set(file.pods.map((one) => one.interface)).size === file.pods.length, {
    message: 'two pods have the same interface',
  });

/** One pod of this node. */
export type Pod = z.output<typeof pod>;

/** The pods of this node, from a file that others replace. */
export interface PodDirectory {
  /** Reads the file when it changed. A file that cannot be read or is broken changes nothing. */
  refresh(): Promise<void>;
  /** The last good content; undefined before the first. */
  pods(): readonly Pod[] | undefined;
  /** Versions of the file that were refused. */
  readonly broken: number;
  close(): void;
}

/** What {@link createPodDirectory} needs. */
export interface PodDirectoryOptions {
  readonly file: string;
  /** Called when the file may have changed, besides the caller's own polling. */
  readonly onHint: () => void;
  readonly log: Logger;
}

/** A directory; call {@link PodDirectory.refresh} regularly, hints are not reliable everywhere. */
export function createPodDirectory(options: PodDirectoryOptions): PodDirectory {
  const { file, onHint, log } = options;
  let pods: readonly Pod[] | undefined;
  let seen = '';
  let broken = 0;
  let watcher: FSWatcher | undefined;

  const startWatching = (): void => {
    try {
      // The folder, not the file: a rename over the file would leave a watch on the old inode.
      watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(file)) onHint();
      });
      watcher.on('error', () => {
        watcher?.close();
        watcher = undefined;
      });
    } catch {
      watcher = undefined;
    }
  };

  const read = async (): Promise<void> => {
    const parsed = directoryFile.parse(JSON.parse(await readFile(file, 'utf8')));
    pods = parsed.pods;
    log.info({ pods: pods.length }, 'pod directory read');
  };

  return {
    async refresh() {
      if (watcher === undefined) startWatching();
      const version = await fileVersion(file);
      if (version === seen) return;
      seen = version;
      try {
        await read();
      } catch (error) {
        broken += 1;
        log.error({ err: error, file }, 'the pod directory is broken: the last good one stays');
      }
    },
    pods: () => pods,
    get broken() {
      return broken;
    },
    close: () => watcher?.close(),
  };
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
