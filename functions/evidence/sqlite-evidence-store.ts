import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { EvidenceCell } from '../../knative/events.ts';
import { migrate } from '../lib/migrate.ts';
import { transaction } from '../lib/transaction.ts';
import {
  evidenceSchema,
  pruneCells,
  pruneSources,
  selectCells,
  selectSources,
  selectTotals,
  upsertCell,
  upsertHealth,
} from './evidence-schema.ts';
import type {
  BlockCell,
  EvidenceSource,
  EvidenceStore,
  Look,
  MergedCell,
} from './evidence-store.ts';

/** A gap in a source's reports is waited for this long before newer watermarks count. */
const gapMs = 5_000;

/** More agents than that are not told apart in status and metrics. */
const maxSources = 1_000;

const count = z.int();
const sourceRow = z.object({ id: count, sequence: count, watermark_ms: z.number() });
const earlyRow = z.object({ sequence: count, watermark_ms: z.number(), received_at: z.number() });
const timeoutRow = z.object({ value: count.nullable() });
const lookRow = z.strictObject({
  run: z.string(),
  number: count,
  previous: z.string(),
  hash: z.string(),
  body: z.string(),
});
const totalRow = z.object({
  splitter: z.string(),
  run: z.string(),
  epoch: count,
  arm: z.string(),
  block: count,
  started: count,
  done: count,
  errors: count,
  stuck: count,
  sumLog: z.number(),
  sumLogSq: z.number(),
});
const cellRow = totalRow.extend({
  lowest: count.nullable(),
  highest: count.nullable(),
  sealed: count.transform(Boolean),
});
const lossText = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.record(z.string(), count));
const healthRow = z.object({
  source: z.string(),
  heardAt: z.number(),
  watermarkMs: z.number(),
  missedReports: count,
  loss: lossText,
});
const heardRow = z.object({ value: z.number().nullable() });

/**
 * Evidence and looks in one SQLite file, durable once a method has resolved. Any number of stores
 * may have the same file open.
 */
export function createSqliteEvidenceStore(options: { readonly path: string }): EvidenceStore {
  const db = new DatabaseSync(options.path, { timeout: 5_000 });
  migrate(db, evidenceSchema);
  const statements = prepare(db);

  const advance = (sourceId: number, now: number): void => {
    const source = sourceRow.parse(statements.sourceById.get(sourceId));
    let { sequence, watermark_ms: watermark } = source;
    let missed = 0;
    for (const row of statements.early.all(sourceId)) {
      const early = earlyRow.parse(row);
      // A report of the future came before our clock was set back: no reason to wait for its past.
      const age = now - early.received_at;
      if (early.sequence > sequence + 1 && age >= 0 && age < gapMs) break;
      // Before the first one that came there is nothing that could have been waited for.
      if (sequence > 0) missed += Math.max(0, early.sequence - sequence - 1);
      sequence = Math.max(sequence, early.sequence);
      watermark = Math.max(watermark, early.watermark_ms);
    }
    if (sequence === source.sequence) return;
    statements.moveSource.run(sequence, watermark, sourceId);
    statements.forget.run(sourceId, sequence);
    if (missed > 0) statements.miss.run(missed, sourceId);
  };

  return {
    async merge(source, report, receivedAt): Promise<void> {
      transaction(db, () => {
        statements.touchSource.run(source, receivedAt, report.openTimeoutMs);
        const { id, sequence } = sourceRow.parse(statements.sourceByName.get(source));
        for (const cell of report.cells) statements.cell.run(...cellValues(cell, id));
        statements.health.run(id, report.sequence, JSON.stringify(report.loss ?? {}));
        if (report.sequence > sequence) {
          statements.addEarly.run(id, report.sequence, report.watermarkMs, receivedAt);
          advance(id, receivedAt);
        }
      });
    },

    async cells(run): Promise<readonly BlockCell[]> {
      return sumSources(statements.cells.all({ run }).map((row) => cellRow.parse(row)));
    },

    async totals({ from, to }): Promise<readonly Omit<MergedCell, 'histogram'>[]> {
      const seconds = { from: Math.floor(from / 1_000), to: Math.ceil(to / 1_000) };
      return statements.totals.all(seconds).map((row) => totalRow.parse(row));
    },

    async watermark(now, staleAfterMs): Promise<number | undefined> {
      return transaction(db, () => {
        let lowest: number | undefined;
        for (const row of statements.liveSources.all(now - staleAfterMs)) {
          const { id } = sourceRow.parse(row);
          advance(id, now);
          const source = sourceRow.parse(statements.sourceById.get(id));
          lowest = Math.min(lowest ?? Infinity, source.watermark_ms);
        }
        return lowest;
      });
    },

    async heardAt(): Promise<number | undefined> {
      return heardRow.parse(statements.heard.get()).value ?? undefined;
    },

    async sources(since): Promise<readonly EvidenceSource[]> {
      const newest = new Map<string, EvidenceSource>();
      for (const row of statements.sources.all(since)) {
        if (newest.size === maxSources) break;
        const health = healthRow.parse(row);
        const node = /^\/nodes\/([^/]+)\/[^/]+$/.exec(health.source)?.[1] ?? health.source;
        if (!newest.has(node)) newest.set(node, { node, ...health });
      }
      return [...newest.values()];
    },

    async prune({ runs, standingFrom, endedFrom }): Promise<void> {
      transaction(db, () => {
        statements.pruneCells.run({
          runs: JSON.stringify(runs),
          standingFrom: Math.floor(standingFrom / 1_000),
          endedFrom: Math.floor(endedFrom / 1_000),
        });
        statements.pruneSources.run({ silentSince: endedFrom });
      });
    },

    async openTimeoutMs(): Promise<number | undefined> {
      return timeoutRow.parse(statements.openTimeout.get()).value ?? undefined;
    },

    async appendLook(look): Promise<boolean> {
      const { run, number, previous, hash, body } = look;
      return statements.appendLook.run(run, number, previous, hash, body).changes === 1;
    },

    async looks(run): Promise<readonly Look[]> {
      return statements.looks.all(run).map((row) => lookRow.parse(row));
    },

    async lastLook(run): Promise<Look | undefined> {
      const row = statements.lastLook.get(run);
      return row === undefined ? undefined : lookRow.parse(row);
    },

    async close(): Promise<void> {
      if (db.isOpen) db.close();
    },
  };
}

function prepare(db: DatabaseSync) {
  const source = 'SELECT id, sequence, watermark_ms FROM source';
  return {
    touchSource: db.prepare(
      `INSERT INTO source (name, received_at, open_timeout_ms) VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET open_timeout_ms = excluded.open_timeout_ms,
         received_at = excluded.received_at`,
    ),
    sourceByName: db.prepare(`${source} WHERE name = ?`),
    sourceById: db.prepare(`${source} WHERE id = ?`),
    liveSources: db.prepare(`${source} WHERE received_at >= ? ORDER BY id`),
    moveSource: db.prepare('UPDATE source SET sequence = ?, watermark_ms = ? WHERE id = ?'),
    addEarly: db.prepare('INSERT OR IGNORE INTO early_report VALUES (?, ?, ?, ?)'),
    early: db.prepare(
      'SELECT sequence, watermark_ms, received_at FROM early_report WHERE source_id = ? ORDER BY sequence',
    ),
    forget: db.prepare('DELETE FROM early_report WHERE source_id = ? AND sequence <= ?'),
    openTimeout: db.prepare('SELECT MIN(open_timeout_ms) AS value FROM source'),
    health: db.prepare(upsertHealth),
    miss: db.prepare(
      'UPDATE source_health SET missed_reports = missed_reports + ? WHERE source_id = ?',
    ),
    sources: db.prepare(selectSources),
    heard: db.prepare('SELECT MAX(received_at) AS value FROM source'),
    pruneCells: db.prepare(pruneCells),
    pruneSources: db.prepare(pruneSources),
    cell: db.prepare(upsertCell),
    cells: db.prepare(selectCells),
    totals: db.prepare(selectTotals),
    appendLook: db.prepare('INSERT OR IGNORE INTO look VALUES (?, ?, ?, ?, ?)'),
    looks: db.prepare('SELECT * FROM look WHERE run = ? ORDER BY number'),
    lastLook: db.prepare('SELECT * FROM look WHERE run = ? ORDER BY number DESC LIMIT 1'),
  };
}

function cellValues(cell: EvidenceCell, sourceId: number): (string | number | null)[] {
  const buckets = cell.histogram.map(([bucket]) => bucket);
  return [
    cell.run,
    cell.block,
    cell.epoch,
    cell.arm,
    cell.splitter,
    sourceId,
    cell.sequence,
    cell.started,
    cell.done,
    cell.errors,
    cell.stuck,
    cell.sumLog,
    cell.sumLogSq,
    buckets.length === 0 ? null : Math.min(...buckets),
    buckets.length === 0 ? null : Math.max(...buckets),
    JSON.stringify(cell.histogram),
  ];
}

/** Adds up neighbours with the same key; the rows come sorted by key, then source. */
function sumSources(rows: readonly BlockCell[]): BlockCell[] {
  const merged: BlockCell[] = [];
  for (const row of rows) {
    const last = merged.at(-1);
    if (last === undefined || !sameKey(last, row)) merged.push(row);
    else merged[merged.length - 1] = addCells(last, row);
  }
  return merged;
}

const sameKey = (a: BlockCell, b: BlockCell): boolean =>
  a.block === b.block &&
  a.epoch === b.epoch &&
  a.run === b.run &&
  a.sealed === b.sealed &&
  a.arm === b.arm &&
  a.splitter === b.splitter;

function addCells(a: BlockCell, b: BlockCell): BlockCell {
  return {
    ...a,
    started: a.started + b.started,
    done: a.done + b.done,
    errors: a.errors + b.errors,
    stuck: a.stuck + b.stuck,
    sumLog: a.sumLog + b.sumLog,
    sumLogSq: a.sumLogSq + b.sumLogSq,
    lowest: outer(Math.min, a.lowest, b.lowest),
    highest: outer(Math.max, a.highest, b.highest),
  };
}

type Pick = (a: number, b: number) => number;

const outer = (pick: Pick, a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : pick(a, b);
