import type { Schema } from '../lib/migrate.ts';

const tables = `
CREATE TABLE IF NOT EXISTS source (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  received_at REAL NOT NULL,
  open_timeout_ms INTEGER NOT NULL,
  -- Every report up to this sequence is here, or given up; and the highest watermark among them.
  sequence INTEGER NOT NULL DEFAULT 0,
  watermark_ms REAL NOT NULL DEFAULT 0
) STRICT;
-- Reports that came before an earlier one of their source.
CREATE TABLE IF NOT EXISTS early_report (
  source_id INTEGER NOT NULL REFERENCES source (id),
  sequence INTEGER NOT NULL,
  watermark_ms REAL NOT NULL,
  received_at REAL NOT NULL,
  PRIMARY KEY (source_id, sequence)
) STRICT, WITHOUT ROWID;
-- What a source says of itself; reports: those that were given up.
CREATE TABLE IF NOT EXISTS source_health (
  source_id INTEGER PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  loss TEXT NOT NULL,
  missed_reports INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS cell (
  run TEXT NOT NULL,
  block INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  arm TEXT NOT NULL,
  splitter TEXT NOT NULL,
  source_id INTEGER NOT NULL REFERENCES source (id),
  sequence INTEGER NOT NULL,
  started INTEGER NOT NULL,
  done INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  stuck INTEGER NOT NULL,
  sum_log REAL NOT NULL,
  sum_log_sq REAL NOT NULL,
  -- Bounds of the histogram, so that judging does not read it.
  lowest INTEGER,
  highest INTEGER,
  histogram TEXT NOT NULL,
  PRIMARY KEY (run, block, epoch, arm, splitter, source_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS look (
  run TEXT NOT NULL,
  number INTEGER NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
`;

const rest = 'ALTER TABLE source_health ADD COLUMN resting INTEGER NOT NULL DEFAULT 0;';

const taps = `ALTER TABLE source_health ADD COLUMN taps TEXT NOT NULL DEFAULT '[]';`;

/** The file of the evidence store. */
export const evidenceSchema: Schema = {
  settings: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;',
  steps: [tables, rest, taps],
};

/** A cell as given: the newest sequence wins, so an older or equal one changes nothing. */
export const upsertCell = `
INSERT INTO cell (run, block, epoch, arm, splitter, source_id, sequence,
                  started, done, errors, stuck, sum_log, sum_log_sq, lowest, highest, histogram)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  sequence = excluded.sequence, started = excluded.started, done = excluded.done,
  errors = excluded.errors, stuck = excluded.stuck, sum_log = excluded.sum_log,
  sum_log_sq = excluded.sum_log_sq, lowest = excluded.lowest, highest = excluded.highest,
  histogram = excluded.histogram
WHERE excluded.sequence > cell.sequence
`;

/** Rows of one run, with the unstamped rows of its splitters from its first block on. */
export const selectCells = `
SELECT splitter, run, epoch, arm, block, started, done, errors, stuck,
       sum_log AS sumLog, sum_log_sq AS sumLogSq, lowest, highest,
       (block + 1) * 1000 <= watermark_ms AS sealed
FROM cell JOIN source ON source.id = cell.source_id
WHERE run = :run OR (
  run = '' AND block >= (SELECT MIN(block) FROM cell WHERE run = :run)
  AND splitter IN (SELECT DISTINCT splitter FROM cell WHERE run = :run))
ORDER BY block, epoch, run, arm, splitter, sealed, source.name
`;

/** Sums per splitter and stamp; the order of summation is fixed, so that replays agree to the bit. */
export const selectTotals = `
SELECT splitter, run, epoch, arm, block, SUM(started) AS started, SUM(done) AS done,
       SUM(errors) AS errors, SUM(stuck) AS stuck, SUM(sum_log) AS sumLog,
       SUM(sum_log_sq) AS sumLogSq
FROM cell WHERE block >= $from AND block < $to
GROUP BY block, splitter, run, epoch, arm ORDER BY block, splitter, run, epoch, arm
`;

/** Rows that nobody needs any more; `:runs` is a JSON array of names. */
export const pruneCells = `
DELETE FROM cell WHERE
  (run IN ('', '-') AND block < :standingFrom) OR
  (run NOT IN ('', '-') AND block < :endedFrom AND run NOT IN (SELECT value FROM json_each(:runs)))
`;

/** What the newest report says counts, of losses as they are cumulative. */
export const upsertHealth = `
INSERT INTO source_health (source_id, sequence, loss, resting, taps) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  sequence = excluded.sequence, loss = excluded.loss, resting = excluded.resting, taps = excluded.taps
WHERE excluded.sequence > source_health.sequence
`;

/** What is known of the sources, those heard last first. */
export const selectSources = `
SELECT name AS source, received_at AS heardAt, watermark_ms AS watermarkMs,
       coalesce(resting, 0) AS resting, coalesce(loss, '{}') AS loss, coalesce(taps, '[]') AS taps,
       coalesce(missed_reports, 0) AS missedReports
FROM source LEFT JOIN source_health ON source_id = source.id
WHERE received_at >= ? ORDER BY received_at DESC, source.id DESC
`;

/** Boots that fell silent and left nothing. */
export const pruneSources = `
DELETE FROM source WHERE received_at < :silentSince
  AND NOT EXISTS (SELECT 1 FROM cell WHERE source_id = source.id)
  AND NOT EXISTS (SELECT 1 FROM early_report WHERE source_id = source.id)
`;
