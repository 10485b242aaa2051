import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { SinkLedger } from './sink-ledger.ts';
import { formatSpoolName, parseSpoolName, type SpoolName } from './spool-file.ts';

/** One batch on disk. */
export interface SpoolEntry {
  /** File name in the spool's folder. */
  readonly file: string;
  readonly bytes: number;
  readonly spans: number;
  /** Made by this boot, not left by an earlier one. */
  readonly own: boolean;
}

/** Undelivered batches on disk, bounded in bytes; it survives any end of the process. */
export interface Spool {
  /**
   * Adds a batch; when the spool is full the oldest batches go first, counted as `spool_full`.
   * Rejects when the disk refuses; then nothing was added.
   */
  add(name: SpoolName, content: Buffer): Promise<void>;
  /** Takes over what earlier boots left; once, when none of them lives any more. */
  adopt(): Promise<void>;
  /** The oldest batch that nobody has taken, or undefined. */
  take(): SpoolEntry | undefined;
  /** Rejects when the system does not give the file; that says nothing about what is in it. */
  read(entry: SpoolEntry): Promise<Buffer>;
  /** Gives a taken batch back, to be sent again. */
  release(entry: SpoolEntry): void;
  /** Ends a taken batch: stored by the receiver, but for `refused` of its spans, which count as lost by `refused`. */
  free(entry: SpoolEntry, refused?: number): Promise<void>;
  /** Ends a taken batch that no receiver will ever take: kept for a human in `rejected/`. */
  reject(entry: SpoolEntry): Promise<void>;
  /** Ends a taken batch whose file is damaged or gone; counted as lost by `cause`. */
  drop(entry: SpoolEntry, cause: string): Promise<void>;
  /** Batches that are waiting or taken. */
  entries(): readonly SpoolEntry[];
  readonly bytes: number;
}

/** What {@link openSpool} needs. */
export interface SpoolOptions {
  readonly dir: string;
  readonly limitBytes: number;
  /** Makes the folder with the first batch. Default: at once, so that one that cannot be made is found at the start. */
  readonly lazy?: boolean;
  /** False while the agent that wrote them still lives; see {@link Spool.adopt}. */
  readonly takeLeftovers?: boolean;
  readonly boot: string;
  readonly ledger: SinkLedger;
  readonly log: Logger;
}

/** `rejected/` keeps at most this share of the spool's limit. */
const rejectedShare = 1 / 8;

/** Opens the folder and takes over what earlier boots left; rejects when it cannot be made or read. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { dir, limitBytes, lazy = false, takeLeftovers = true, boot, ledger, log } = options;
  const rejectedDir = join(dir, 'rejected');
  const makeFolder = async (): Promise<void> => {
    await mkdir(rejectedDir, { recursive: true });
  };
  if (!lazy) await makeFolder();
  const waiting: SpoolEntry[] = [];
  const taken = new Set<SpoolEntry>();
  /** Whether spans were lost since the last delivery: one log line per outage. */
  let full = false;
  let bytes = 0;

  const adopt = async (): Promise<void> => {
    const found = await findLeftovers(dir, boot);
    // What was added meanwhile is younger.
    waiting.unshift(...found);
    bytes += found.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of found) ledger.enter(entry.own, entry.spans);
    if (found.length > 0) log.info({ batches: found.length, bytes }, 'batches of earlier boots');
  };
  if (takeLeftovers) await adopt();

  const forget = (entry: SpoolEntry): void => {
    taken.delete(entry);
    bytes -= entry.bytes;
  };

  const fits = (needed: number): boolean => bytes + needed <= limitBytes;

  const makeRoom = async (needed: number): Promise<void> => {
    for (let oldest = waiting[0]; oldest !== undefined && !fits(needed); oldest = waiting[0]) {
      waiting.shift();
      forget(oldest);
      ledger.lose(oldest.own, oldest.spans, 'spool_full');
      if (!full) log.warn({ limitBytes }, 'the spool is full: the oldest spans are lost');
      full = true;
      await rm(join(dir, oldest.file), { force: true });
    }
  };

  return {
    adopt,
    async add(name, content) {
      await makeRoom(content.length);
      if (!fits(content.length)) {
        ledger.lose(name.boot === boot, name.spans, 'spool_full');
        return;
      }
      const file = formatSpoolName(name);
      const temporary = join(dir, `${file}.tmp`);
      try {
        if (lazy) await makeFolder();
        await writeFile(temporary, content);
        await rename(temporary, join(dir, file));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      waiting.push({ file, bytes: content.length, spans: name.spans, own: name.boot === boot });
      bytes += content.length;
    },
    take() {
      const entry = waiting.shift();
      if (entry !== undefined) taken.add(entry);
      return entry;
    },
    read: (entry) => readFile(join(dir, entry.file)),
    release(entry) {
      taken.delete(entry);
      const at = waiting.findIndex((other) => other.file > entry.file);
      waiting.splice(at < 0 ? waiting.length : at, 0, entry);
    },
    async free(entry, refused = 0) {
      forget(entry);
      full = false;
      const lost = Math.min(refused, entry.spans);
      ledger.accept(entry.own, entry.spans - lost);
      if (lost > 0) ledger.refuse(entry.own, lost);
      await rm(join(dir, entry.file), { force: true });
    },
    async reject(entry) {
      forget(entry);
      ledger.reject(entry.own, entry.spans);
      await rename(join(dir, entry.file), join(rejectedDir, entry.file));
      await boundFolder(rejectedDir, limitBytes * rejectedShare);
    },
    async drop(entry, cause) {
      forget(entry);
      ledger.lose(entry.own, entry.spans, cause);
      await rm(join(dir, entry.file), { force: true });
    },
    entries: () => [...waiting, ...taken],
    get bytes() {
      return bytes;
    },
  };
}

async function findLeftovers(dir: string, boot: string): Promise<SpoolEntry[]> {
  const entries: SpoolEntry[] = [];
  const files = existsSync(dir) ? await readdir(dir) : [];
  for (const file of files.sort()) {
    const name = parseSpoolName(file.replace(/\.tmp$/, ''));
    if (name === undefined || name.boot === boot) continue;
    if (file.endsWith('.tmp')) {
      await rm(join(dir, file), { force: true });
    } else {
      const { size } = await stat(join(dir, file));
      entries.push({ file, bytes: size, spans: name.spans, own: false });
    }
  }
  return entries;
}

/** Removes the oldest files until the folder holds at most `limit` bytes. */
async function boundFolder(dir: string, limit: number): Promise<void> {
  const files = (await readdir(dir)).sort();
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(dir, file))).size));
  let size = sizes.reduce((sum, one) => sum + one, 0);
  for (const [index, file] of files.entries()) {
    if (size <= limit) return;
    size -= sizes[index] ?? 0;
    await rm(join(dir, file), { force: true });
  }
}
