import type { Migration } from '../../clickhouse/migration.ts';

/** The ledger of delivered batches; gaps in a source's ids name lost ones. */
export const batches: Migration = {
  number: 2,
  name: 'batches',
  statements: [
    `CREATE TABLE IF NOT EXISTS batches (
      source LowCardinality(String),
      id String,
      spans UInt32,
      watermark DateTime64(3, 'UTC'),
      loss String CODEC(ZSTD(1)),
      stored_at DateTime('UTC') DEFAULT now('UTC')
    )
    ENGINE = ReplacingMergeTree(stored_at)
    ORDER BY (source, id)
    TTL stored_at + INTERVAL 30 DAY DELETE`,
  ],
};
