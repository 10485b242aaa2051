import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import { identify, type ProcessIdentity } from './process-table.ts';

/** Variable in the environment of everything that a run starts; its value is the run's folder. */
export const runMark = 'CLOVER_RUN';

const processRecord = z.strictObject({
  name: z.string(),
  pid: z.int().min(1),
  startTime: z.string(),
  command: z.array(z.string()),
});

const runRecord = z.strictObject({
  /** Each leads a process group of its own. */
  processes: z.array(processRecord),
  /** Network namespaces and links that the run made, or is about to make. */
  namespaces: z.array(z.string()),
  links: z.array(z.string()),
  /** Routes that no link takes with it, as `ip route` names them. */
  routes: z.array(z.string()).default([]),
  /** Names of control groups at the top of each hierarchy. */
  cgroups: z.array(z.string()).default([]),
});

/** What a run has made, so that another one can take it down. */
export type RunRecord = z.output<typeof runRecord>;

/** The folder of one run, and the record in it. */
export interface RunFolder {
  readonly path: string;
  readonly record: RunRecord;
  /** Changes the record on disk, atomically, before it returns: record first, then make. */
  update(change: (record: RunRecord) => Partial<RunRecord>): void;
  /**
   * Does work that makes things of the run, files among them: `close` waits for it.
   * @throws CloverError CLV_CONFLICT once the run is closed.
   */
  make<T>(work: () => Promise<T>): Promise<T>;
  /** Lets nothing more be made or written; resolves when what was under way has ended. */
  close(): Promise<void>;
}

const recordName = 'run.json';
const emptyRecord: RunRecord = {
  processes: [],
  namespaces: [],
  links: [],
  routes: [],
  cgroups: [],
};

/**
 * Makes the folder of a run for temporary files. Its name carries the owner, so that there is no
 * instant at which a crash leaves a folder that belongs to nobody.
 * @param kind lower-case letters: `demo`, `up`, ….
 */
export function createRunFolder(kind: string, parent: string = tmpdir()): RunFolder {
  const owner = identify(process.pid);
  if (owner === undefined) throw new CloverError('CLV_INTERNAL', '/proc is not mounted');
  const path = mkdtempSync(join(parent, `clover-${kind}-${owner.pid}-${owner.startTime}-`));
  // Workers of nginx are not root and read their files below; secrets inside have their own mode.
  chmodSync(path, 0o711);
  let record = emptyRecord;
  let closed = false;
  const underWay = new Set<Promise<unknown>>();
  return {
    path,
    get record() {
      return record;
    },
    update(change) {
      record = { ...record, ...change(record) };
      if (closed) return;
      const target = join(path, recordName);
      writeFileSync(`${target}.part`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
      renameSync(`${target}.part`, target);
    },
    async make(work) {
      if (closed) throw new CloverError('CLV_CONFLICT', 'the run is being taken down');
      const made = work();
      underWay.add(made);
      try {
        return await made;
      } finally {
        underWay.delete(made);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
    },
  };
}

/** A run folder as found on disk. */
export interface FoundRun {
  readonly path: string;
  readonly owner: ProcessIdentity;
  readonly record: RunRecord;
}

/** Every run folder below `parent`. */
export function findRuns(parent: string = tmpdir()): FoundRun[] {
  return readdirSync(parent).flatMap((name) => {
    const parts = /^clover-[a-z]+-(\d+)-(\d+)-[A-Za-z0-9]{6}$/.exec(name);
    const [, pid, startTime] = parts ?? [];
    if (pid === undefined || startTime === undefined) return [];
    const path = join(parent, name);
    return [{ path, owner: { pid: Number(pid), startTime }, record: readRecord(path) }];
  });
}

/** Nothing was made before the first record was written. */
function readRecord(path: string): RunRecord {
  try {
    return runRecord.parse(JSON.parse(readFileSync(join(path, recordName), 'utf8')));
  } catch {
    return emptyRecord;
  }
}
