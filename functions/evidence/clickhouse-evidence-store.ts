import type { ClickHouseSettings } from '@clickhouse/client';
import { z } from 'zod';
import type { EvidenceReport } from '../../knative/events.ts';
import { openClickHouse, type ClickHouseOptions } from '../clickhouse/connection.ts';
import { createGroupCommit } from '../clickhouse/group-commit.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import {
  evidenceTables,
  selectCells,
  selectHealth,
  selectReports,
  selectTotals,
  staleCells,
  staleReports,
} from './clickhouse-evidence-schema.ts';
import { createLookTable } from './clickhouse-looks.ts';
import {
  bucketBounds,
  cellRow,
  gapMs,
  healthRow,
  newestSources,
  totalRow,
} from './evidence-rows.ts';
import type { BlockCell, EvidenceStore } from './evidence-store.ts';
import { joinWatermarks, type Standing } from './join-watermarks.ts';
import { sumSources } from './sum-cells.ts';

/** Reports from before that say nothing of now: a source that comes back after this waits as a new one does. Longer than any rest. */
const recentMs = 600_000;

/** How long all reports of a source are kept: what status and metrics look back. */
const reportsMs = 3_600_000;

/** Reports of one insert; a report has at most 20 000 cells. */
const mostReports = 100;

const settings: ClickHouseSettings = { output_format_json_quote_64bit_integers: 0 };

const reportsRow = z.object({
  source: z.string(),
  heardAt: z.number(),
  base: z.int(),
  watermarkMs: z.number(),
  resting: z.boolean(),
  young: z.array(z.tuple([z.int(), z.number()])),
});
const sourceCell = cellRow.extend({ source: z.string() });
const valueRow = z.object({ value: z.number().nullable() });
const missedRow = healthRow.pick({ source: true, missedReports: true, loss: true, taps: true });

interface Given {
  readonly source: string;
  readonly report: EvidenceReport;
  readonly receivedAt: number;
}

/**
 * Evidence and looks in ClickHouse, durable once a method has resolved. Any number of processes may have it open. Reports
 * that come while others are written are written together, cells before the watermark that counts on them.
 *
 * What the SQLite store keeps up to date with each report follows here from the reports themselves, at the time of the
 * question: a report counts when all before it are there, or when it has waited for 5 s.
 * `missedReports` are those since the time that was asked for, an hour at most.
 *
 * @param options.log hears of new tables.
 */
export function createClickHouseEvidenceStore(
  options: ClickHouseOptions,
  { clock, log }: { readonly clock: Pick<Clock, 'now'>; readonly log: Pick<Log, 'info'> },
): EvidenceStore {
  const store = openClickHouse(options, evidenceTables, log);
  const { client, guarded, writeSignal } = store;

  const ask = <Row>(
    query: string,
    row: z.ZodType<Row>,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<Row[]> =>
    guarded(async () => {
      const result = await (
        await client()
      ).query({
        query,
        query_params: { ...params },
        format: 'JSONEachRow',
        clickhouse_settings: settings,
      });
      return z.array(row).parse(await result.json());
    });

  const insert = async (table: string, values: readonly object[]): Promise<void> => {
    if (values.length === 0) return;
    await (
      await client()
    ).insert({
      table,
      values: [...values],
      format: 'JSONEachRow',
      clickhouse_settings: { async_insert: 0 },
      abort_signal: writeSignal(),
    });
  };

  const commit = createGroupCommit<Given>(
    (given) =>
      guarded(async () => {
        await insert('evidence_cells', given.flatMap(cellsOf));
        await insert('evidence_reports', given.map(reportOf));
      }),
    mostReports,
  );

  /** Each source that was heard since then, and how far it counts. */
  const standings = async (since: number, now: number) => {
    const rows = await ask(selectReports, reportsRow, { from: since, now, gap: gapMs });
    return rows.map(({ source, heardAt, base, watermarkMs, resting, young }): Standing => {
      let sequence = base;
      let watermark = watermarkMs;
      for (const [number, own] of young) {
        if (number > sequence + 1) break;
        sequence = Math.max(sequence, number);
        watermark = Math.max(watermark, own);
      }
      return { source, heardAt, watermarkMs: watermark, resting };
    });
  };

  const one = async (query: string, params = {}): Promise<number | undefined> =>
    (await ask(query, valueRow, params))[0]?.value ?? undefined;

  /** A deletion rewrites parts of the table: not where there is nothing to delete. */
  const remove = async (table: string, where: string, params: object): Promise<void> => {
    const found = await one(
      `SELECT count() AS value FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT 1)`,
      params,
    );
    if (found === 0) return;
    await guarded(async () =>
      (await client()).command({
        query: `DELETE FROM ${table} WHERE ${where}`,
        query_params: { ...params },
      }),
    );
  };

  return {
    merge: (source, report, receivedAt) => commit({ source, report, receivedAt }),

    async cells(run) {
      const rows = await ask(selectCells, sourceCell, { run });
      const sources = await standings(0, clock.now());
      const watermarks = new Map(sources.map(({ source, watermarkMs }) => [source, watermarkMs]));
      const isSealed = ({ source, block }: z.output<typeof sourceCell>): boolean =>
        (block + 1) * 1_000 <= (watermarks.get(source) ?? 0);
      return sumSources(sealedLast(rows.map((row) => blockCell(row, isSealed(row)))));
    },

    totals: ({ from, to }) =>
      ask(selectTotals, totalRow, { from: Math.floor(from / 1_000), to: Math.ceil(to / 1_000) }),

    async watermark(now, staleAfterMs) {
      const recent = await standings(now - Math.max(staleAfterMs, recentMs), now);
      return joinWatermarks(recent, now, staleAfterMs);
    },

    heardAt: () => one('SELECT maxOrNull(received_at) AS value FROM evidence_reports'),

    async sources(since) {
      const now = clock.now();
      const [health, known] = await Promise.all([
        ask(selectHealth, missedRow, { from: since, now, gap: gapMs }),
        standings(since, now),
      ]);
      const bySource = new Map(health.map((row) => [row.source, row]));
      return newestSources(
        known
          .toSorted((a, b) => b.heardAt - a.heardAt || (a.source < b.source ? 1 : -1))
          .map(({ source, heardAt, watermarkMs, resting }) => {
            const { missedReports = 0, loss = {}, taps = [] } = bySource.get(source) ?? {};
            return { source, heardAt, watermarkMs, resting, missedReports, loss, taps };
          }),
      );
    },

    async prune({ runs, standingFrom, endedFrom }) {
      await remove('evidence_cells', staleCells, {
        runs,
        standingFrom: Math.floor(standingFrom / 1_000),
        endedFrom: Math.floor(endedFrom / 1_000),
      });
      await remove('evidence_reports', staleReports, {
        oldBefore: Math.min(clock.now() - reportsMs, standingFrom),
        silentSince: endedFrom,
      });
    },

    openTimeoutMs: () =>
      one(
        `SELECT minOrNull(newest) AS value FROM (
          SELECT argMax(open_timeout_ms, sequence) AS newest FROM evidence_reports GROUP BY source)`,
      ),

    ...createLookTable(store),

    close: () => store.close(),
  };
}

function blockCell(row: z.output<typeof sourceCell>, sealed: boolean): BlockCell {
  const { source: _, ...cell } = row;
  return { ...cell, sealed };
}

function cellsOf({ source, report }: Given): object[] {
  return report.cells.map((cell) => {
    const { sumLog, sumLogSq, ...same } = cell;
    return { ...same, ...bucketBounds(cell), source, sum_log: sumLog, sum_log_sq: sumLogSq };
  });
}

function reportOf({ source, report, receivedAt }: Given): object {
  return {
    source,
    sequence: report.sequence,
    received_at: receivedAt,
    watermark_ms: report.watermarkMs,
    open_timeout_ms: report.openTimeoutMs,
    loss: JSON.stringify(report.loss ?? {}),
    taps: JSON.stringify(report.taps ?? []),
    resting: report.resting ?? false,
  };
}

/** Rows of one key stay together and in their order, but those that are not sealed come first. */
function sealedLast(rows: readonly BlockCell[]): BlockCell[] {
  const keys = Map.groupBy(rows, ({ block, epoch, run, arm, splitter }) =>
    JSON.stringify([block, epoch, run, arm, splitter]),
  );
  return [...keys.values()].flatMap((own) => own.toSorted(bySeal));
}

const bySeal = (a: BlockCell, b: BlockCell): number => Number(a.sealed) - Number(b.sealed);
