import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { CloverError } from '../../lib/errors.ts';
import { tryLock } from '../../lib/file-lock.ts';
import { xdsFile } from './xds-layout.ts';

const discoveryResponse = z.strictObject({
  version_info: z.string().regex(/^\d+(-restored)?$/),
  resources: z.array(z.json()),
});

/** Who has the lock renames a file, which takes milliseconds. */
const lockWaitMs = 2_000;

/** The content of one xDS file. */
export type XdsContent = z.output<typeof discoveryResponse>;

/** The xDS files of one Envoy, written by whole-file rename only. */
export interface XdsFiles {
  /** What stands in a file; undefined when it is missing or not ours. */
  read(file: string): XdsContent | undefined;
  /** Ports that have a routes file. */
  ports(): string[];
  /** The highest fencing number in any file; 0 when there is none. */
  fence(): number;
  /**
   * Replaces a file, durably and at once.
   * @throws CloverError CLV_CONFLICT when any file carries a higher fencing number; CLV_GATEWAY_UNAVAILABLE when another process
   * writes for long.
   */
  replace(file: string, content: XdsContent): void;
  /**
   * Removes a port's routes, in the name of a snapshot.
   * @throws CloverError CLV_CONFLICT when any file carries a higher fencing number; CLV_GATEWAY_UNAVAILABLE when another process
   * writes for long.
   */
  removePort(port: string, version: number): void;
}

/** Opens the folder; where Envoy needs a file to start, an empty one is made. */
export function openXdsFiles(xdsDir: string): XdsFiles {
  const read = (file: string): XdsContent | undefined => readContent(join(xdsDir, file));
  const ports = (): string[] =>
    readdirSync(xdsDir)
      .flatMap((entry) => /^rds-(\d+)$/.exec(entry)?.[1] ?? [])
      .sort();
  const fence = (): number =>
    [xdsFile.clusters, xdsFile.listeners, ...ports().map(xdsFile.routes)].reduce(
      (highest, file) => Math.max(highest, fencingNumber(read(file))),
      0,
    );

  mkdirSync(xdsDir, { recursive: true });
  /** Between the check and the work nobody else may write: that is what holds back a stalled writer. */
  const fenced = (version: number, work: () => void): void => {
    const lock = tryLock(join(xdsDir, '.lock'), lockWaitMs);
    if (lock === undefined) {
      const message = `another process holds ${xdsDir}`;
      throw new CloverError('CLV_GATEWAY_UNAVAILABLE', message, { retryAfter: 1 });
    }
    try {
      const inPlace = fence();
      if (inPlace > version) {
        throw new CloverError('CLV_CONFLICT', `snapshot ${inPlace} is already in place`);
      }
      work();
    } finally {
      lock.release();
    }
  };

  const replace = (file: string, content: XdsContent): void => {
    const target = join(xdsDir, file);
    const folder = dirname(target);
    mkdirSync(folder, { recursive: true });
    const temporary = join(folder, `.${randomUUID()}.tmp`);
    try {
      writeDurably(temporary, canonicalJson(content));
      fenced(fencingNumber(content), () => renameSync(temporary, target));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    syncFolder(folder);
  };

  for (const file of [xdsFile.clusters, xdsFile.listeners]) {
    while (read(file) === undefined) {
      try {
        replace(file, { version_info: String(fence()), resources: [] });
      } catch (error) {
        // Another process went ahead between the two: look again.
        if (!(error instanceof CloverError) || error.code !== 'CLV_CONFLICT') throw error;
      }
    }
  }
  return {
    read,
    ports,
    fence,
    replace,
    removePort: (port, version) =>
      fenced(version, () =>
        rmSync(join(xdsDir, dirname(xdsFile.routes(port))), { recursive: true, force: true }),
      ),
  };
}

function fencingNumber(content: XdsContent | undefined): number {
  return Number.parseInt(content?.version_info ?? '0', 10);
}

function readContent(path: string): XdsContent | undefined {
  try {
    return discoveryResponse.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    // Missing or torn: both are repaired by writing it anew.
    return undefined;
  }
}

function writeDurably(path: string, text: string): void {
  const descriptor = openSync(path, 'wx', 0o644);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
