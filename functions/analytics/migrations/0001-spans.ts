import type { Migration } from '../../clickhouse/migration.ts';

/**
 * The physical span table. The row is its identity: it sorts by (service, start, trace, span), so a
 * span that comes again lands on the same key of the same partition and merges away.
 *
 * `bucket` is floor(log2(duration_ns) · 16). `error` is design §3's, the same in every part.
 * `by_trace` knows the id as text, as the view `otel_traces` is asked for it.
 *
 * native/codec/src/span_block.cc writes these names.
 */
export const spans: Migration = {
  number: 1,
  name: 'spans',
  statements: [
    `CREATE TABLE IF NOT EXISTS spans (
      ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
      trace_id FixedString(16) CODEC(ZSTD(1)),
      span_id FixedString(8) CODEC(ZSTD(1)),
      parent_span_id FixedString(8) CODEC(ZSTD(1)),
      trace_state String CODEC(ZSTD(1)),
      flags UInt32 CODEC(ZSTD(1)),
      service LowCardinality(String) CODEC(ZSTD(1)),
      version LowCardinality(String) CODEC(ZSTD(1)),
      namespace LowCardinality(String) CODEC(ZSTD(1)),
      pod LowCardinality(String) CODEC(ZSTD(1)),
      node LowCardinality(String) CODEC(ZSTD(1)),
      name LowCardinality(String) CODEC(ZSTD(1)),
      kind Enum8('Unspecified' = 0, 'Internal' = 1, 'Server' = 2, 'Client' = 3, 'Producer' = 4, 'Consumer' = 5) CODEC(ZSTD(1)),
      duration_ns UInt64 CODEC(T64, ZSTD(1)),
      bucket UInt16 CODEC(T64, ZSTD(1)),
      ttfb_ns UInt64 CODEC(T64, ZSTD(1)),
      status Enum8('Unset' = 0, 'Ok' = 1, 'Error' = 2) CODEC(ZSTD(1)),
      status_message String CODEC(ZSTD(1)),
      error UInt8 CODEC(ZSTD(1)),
      method LowCardinality(String) CODEC(ZSTD(1)),
      path String CODEC(ZSTD(1)),
      route LowCardinality(String) CODEC(ZSTD(1)),
      status_code UInt16 CODEC(ZSTD(1)),
      run LowCardinality(String) CODEC(ZSTD(1)),
      epoch UInt32 CODEC(ZSTD(1)),
      arm LowCardinality(String) CODEC(ZSTD(1)),
      scope_name LowCardinality(String) CODEC(ZSTD(1)),
      scope_version LowCardinality(String) CODEC(ZSTD(1)),
      resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
      attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
      events Nested (
        ts DateTime64(9, 'UTC'),
        name LowCardinality(String),
        attributes Map(LowCardinality(String), String)
      ) CODEC(ZSTD(1)),
      links Nested (
        trace_id FixedString(16),
        span_id FixedString(8),
        trace_state String,
        attributes Map(LowCardinality(String), String)
      ) CODEC(ZSTD(1)),
      INDEX by_trace lower(hex(trace_id)) TYPE bloom_filter(0.01) GRANULARITY 1
    )
    ENGINE = ReplacingMergeTree
    PARTITION BY toDate(ts)
    PRIMARY KEY (service, ts)
    ORDER BY (service, ts, trace_id, span_id)
    TTL toDateTime(ts) + INTERVAL 7 DAY DELETE
    SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000`,
  ],
};
