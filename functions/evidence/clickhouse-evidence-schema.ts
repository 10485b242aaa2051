import type { TableSchema } from '../clickhouse/migration.ts';

/** Few rows, and each of them counts: on the disk before the insert is answered. */
const durable = 'fsync_after_insert = 1, fsync_part_directory = 1';

/**
 * Cells: the newest sequence is the one that stays. Reports: all of the last hour, by the hour of their
 * coming, and of each source the last one. Looks: see `clickhouse-looks.ts`.
 */
export const evidenceTables: TableSchema = {
  ledger: 'evidence_migrations',
  migrations: [
    {
      number: 1,
      name: 'evidence',
      statements: [
        `CREATE TABLE IF NOT EXISTS evidence_cells (
          run String,
          block Int64,
          epoch Int64,
          arm LowCardinality(String),
          splitter LowCardinality(String),
          source LowCardinality(String),
          sequence Int64,
          started Int64,
          done Int64,
          errors Int64,
          stuck Int64,
          sum_log Float64,
          sum_log_sq Float64,
          lowest Nullable(Int64),
          highest Nullable(Int64),
          histogram Array(Tuple(Int64, Int64)) CODEC(ZSTD(1))
        )
        ENGINE = ReplacingMergeTree(sequence)
        ORDER BY (run, block, epoch, arm, splitter, source)
        SETTINGS ${durable}`,
        `CREATE TABLE IF NOT EXISTS evidence_reports (
          source LowCardinality(String),
          sequence Int64,
          received_at Float64,
          watermark_ms Float64,
          open_timeout_ms Int64,
          loss String CODEC(ZSTD(1))
        )
        ENGINE = ReplacingMergeTree
        PARTITION BY intDiv(toInt64(received_at), 3600000)
        ORDER BY (source, sequence, received_at)
        SETTINGS ${durable}`,
        `CREATE TABLE IF NOT EXISTS evidence_looks (
          run String,
          number Int64,
          token String,
          previous String,
          hash String,
          body String CODEC(ZSTD(1))
        )
        ENGINE = MergeTree
        ORDER BY (run, number)
        SETTINGS ${durable}, enable_block_number_column = 1, non_replicated_deduplication_window = 10000`,
      ],
    },
    {
      number: 2,
      name: 'rest',
      statements: [
        'ALTER TABLE evidence_reports ADD COLUMN IF NOT EXISTS resting Bool DEFAULT false',
      ],
    },
    {
      number: 3,
      name: 'taps',
      statements: [
        "ALTER TABLE evidence_reports ADD COLUMN IF NOT EXISTS taps String DEFAULT '[]' CODEC(ZSTD(1))",
      ],
    },
  ],
};

/** Cells of a run, source by source, with the unstamped ones of its splitters from its first block on. */
export const selectCells = `
SELECT splitter, run, epoch, arm, block, source, started, done, errors, stuck,
       sum_log AS sumLog, sum_log_sq AS sumLogSq, lowest, highest
FROM evidence_cells FINAL
WHERE run = {run:String} OR (
  run = '' AND block >= (SELECT min(block) FROM evidence_cells WHERE run = {run:String})
  AND splitter IN (SELECT splitter FROM evidence_cells WHERE run = {run:String}))
ORDER BY block, epoch, run, arm, splitter, source
`;

/** Sums per splitter and stamp, in a fixed order: floating point has no other way to the same bits. */
export const selectTotals = `
SELECT splitter, run, epoch, arm, block, sum(started) AS started, sum(done) AS done,
       sum(errors) AS errors, sum(stuck) AS stuck,
       arraySum(arrayMap(each -> each.2, arraySort(groupArray((source, sum_log))))) AS sumLog,
       arraySum(arrayMap(each -> each.2, arraySort(groupArray((source, sum_log_sq))))) AS sumLogSq
FROM evidence_cells FINAL
WHERE block >= {from:Int64} AND block < {to:Int64}
GROUP BY block, splitter, run, epoch, arm
ORDER BY block, splitter, run, epoch, arm
`;

/** What reports since {from} say of each source: what counts by its age, and what still has to follow on that. */
export const selectReports = `
SELECT source, max(received_at) AS heardAt, argMax(rests, sequence) AS resting,
       maxIf(sequence, waited) AS base,
       maxIf(watermark_ms, waited) AS watermarkMs,
       arraySort(groupArrayIf((sequence, watermark_ms), NOT waited)) AS young
FROM (
  SELECT source, sequence, received_at, watermark_ms, resting AS rests,
         received_at + {gap:Float64} <= {now:Float64} OR received_at > {now:Float64} AS waited
  FROM evidence_reports WHERE received_at >= {from:Float64})
GROUP BY source
`;

/**
 * Reports that were given up, and what the newest said of losses, by source. One that came when a later one had been
 * waiting for long enough was given up, too.
 */
export const selectHealth = `
WITH
  firsts AS (
    SELECT source, sequence, min(received_at) AS at, any(loss) AS said, any(taps) AS seen
    FROM evidence_reports WHERE received_at >= {from:Float64} GROUP BY source, sequence),
  timed AS (
    SELECT source, sequence, at, said, min(toNullable(at)) OVER (
      PARTITION BY source ORDER BY sequence ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS later
    FROM firsts),
  steps AS (
    SELECT source, least(at, ifNull(later, at)) AS waiting,
           sequence - 1 - lagInFrame(sequence, 1, sequence - 1) OVER (
             PARTITION BY source ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS gap
    FROM timed WHERE later IS NULL OR at < later + {gap:Float64})
SELECT source, missedReports, loss, taps
FROM (SELECT source, sumIf(gap, waiting + {gap:Float64} <= {now:Float64}) AS missedReports FROM steps GROUP BY source) AS missing
INNER JOIN (SELECT source, argMax(said, sequence) AS loss, argMax(seen, sequence) AS taps FROM firsts GROUP BY source) AS newest USING source
`;

/** Cells that nobody needs any more. */
export const staleCells = `
(run IN ('', '-') AND block < {standingFrom:Int64})
OR (run NOT IN ('', '-') AND block < {endedFrom:Int64} AND run NOT IN {runs:Array(String)})
`;

/** Of old reports the last one of a source is enough, and that goes when the source left nothing. */
export const staleReports = `
(received_at < {oldBefore:Float64}
  AND (source, sequence) NOT IN (SELECT source, max(sequence) FROM evidence_reports GROUP BY source))
OR (received_at < {silentSince:Float64} AND source NOT IN (SELECT source FROM evidence_cells FINAL))
`;
