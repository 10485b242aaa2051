import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { SinkCount } from './sink-ledger.ts';
import { parseSpoolName } from './spool-file.ts';

/** What {@link removeSpools} needs. */
export interface RemoveSpoolsOptions {
  /** The folder of all sinks. */
  readonly dir: string;
  /** Names that are configured. */
  readonly kept: ReadonlySet<string>;
  readonly log: Logger;
}

/**
 * Removes the spools of sinks that are configured no more: nobody would ever send what is in them, and a node's disk would
 * fill up with each new name. To be called when no earlier agent lives. Resolves to what was lost with each, told to the log too;
 * what the system does not let go is told, and tried again at the next start.
 */
export async function removeSpools(
  options: RemoveSpoolsOptions,
): Promise<Readonly<Record<string, SinkCount>>> {
  const { dir, kept, log } = options;
  const removed: Record<string, SinkCount> = {};
  for (const sink of await foldersIn(dir)) {
    if (kept.has(sink)) continue;
    try {
      const names = (await readdir(join(dir, sink))).flatMap((file) => parseSpoolName(file) ?? []);
      const count = {
        batches: names.length,
        spans: names.reduce((sum, { spans }) => sum + spans, 0),
      };
      await rm(join(dir, sink), { recursive: true, force: true });
      removed[sink] = count;
      log.warn({ sink, ...count }, 'a sink is configured no more: what waited for it is lost');
    } catch (error) {
      log.warn({ err: error, sink }, 'the spool of a sink that is no more cannot be removed');
    }
  }
  return removed;
}

async function foldersIn(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    // Without any sink there is no folder.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
