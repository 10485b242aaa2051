import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { restEndsMs, type EvidenceCell } from '../../knative/events.ts';
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
import {
  bucketBounds,
  cellRow,
  gapMs,
  healthRow,
  lookRow,
  newestSources,
  totalRow,
} from './evidence-rows.ts';
import { joinWatermarks } from './join-watermarks.ts';
import { sumSources } from './sum-cells.ts';
import type {
  BlockCell,
  EvidenceSource,
  EvidenceStore,
  Look,
  MergedCell,
} from './evidence-store.ts';

const count = z.int();
const sourceRow = z.object({ id: count, sequence: count, watermark_ms: z.number() });
const earlyRow = z.object({ sequence: count, watermark_ms: z.number(), received_at: z.number() });
const timeoutRow = z.object({ value: count.nullable() });
const sealedRow = cellRow.extend({ sealed: count.transform(Boolean) });
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

  const sourcesSince = (since: number) =>
    statements.sources.all(since).map((row) => healthRow.parse(row));

  return {
    async merge(source, report, receivedAt): Promise<void> {
      transaction(db, () => {
        statements.touchSource.run(source, receivedAt, report.openTimeoutMs);
        const { id, sequence } = sourceRow.parse(statements.sourceByName.get(source));
        for (const cell of report.cells) statements.cell.run(...cellValues(cell, id));
        const { loss = {}, resting = false, taps = [] } = report;
        const [lost, seen] = [JSON.stringify(loss), JSON.stringify(taps)];
        statements.health.run(id, report.sequence, lost, Number(resting), seen);
        if (report.sequence > sequence) {
          statements.addEarly.run(id, report.sequence, report.watermarkMs, receivedAt);
          advance(id, receivedAt);
        }
      });
    },

    async cells(run): Promise<readonly BlockCell[]> {
      return sumSources(statements.cells.all({ run }).map((row) => sealedRow.parse(row)));
    },

    async totals({ from, to }): Promise<readonly Omit<MergedCell, 'histogram'>[]> {
      const seconds = { from: Math.floor(from / 1_000), to: Math.ceil(to / 1_000) };
      return statements.totals.all(seconds).map((row) => totalRow.parse(row));
    },

    async watermark(now, staleAfterMs): Promise<number | undefined> {
      return transaction(db, () => {
        const since = now - Math.max(staleAfterMs, restEndsMs);
        for (const row of statements.liveSources.all(since)) advance(sourceRow.parse(row).id, now);
        return joinWatermarks(sourcesSince(since), now, staleAfterMs);
      });
    },

    async heardAt(): Promise<number | undefined> {
      return heardRow.parse(statements.heard.get()).value ?? undefined;
    },

    async sources(since): Promise<readonly EvidenceSource[]> {
      return newestSources(sourcesSince(since));
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
  const { lowest, highest } = bucketBounds(cell);
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
    lowest,
    highest,
    JSON.stringify(cell.histogram),
  ];
}
