import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ClickHouseSettings } from '@clickhouse/client';
import { z } from 'zod';
import { openClickHouse, type ClickHouseOptions } from '../clickhouse/connection.ts';
import type { Log } from '../lib/log.ts';
import { redQuestion, redRows, storedArmsQuestion, type Question } from './questions.ts';
import { analyticsSchema } from './schema.ts';
import type { AnalyticsStore, SpanBlock, TimeWindow } from './store.ts';

const insertSettings: ClickHouseSettings = {
  async_insert: 0,
  input_format_native_allow_types_conversion: 1,
  // Old spans in one batch must not make it poison; merges put the small parts together.
  max_partitions_per_insert_block: '0',
};

/**
 * Spans in ClickHouse over HTTP. The schema is made on first use and made again when it has gone,
 * so the store may be created before ClickHouse is up. Every method fails with a CloverError:
 * CLV_ANALYTICS_UNAVAILABLE, and Retry-After, for whatever a retry may mend.
 */
export function createClickHouseStore(
  options: ClickHouseOptions,
  { log }: { readonly log: Pick<Log, 'info'> },
): AnalyticsStore {
  const store = openClickHouse(options, analyticsSchema, log);
  const { client, guarded, writeSignal, timeoutSeconds } = store;

  const ask = <Row>({ sql, row }: Question<Row>, { from, to }: TimeWindow): Promise<Row[]> =>
    guarded(async () => {
      const result = await (
        await client()
      ).query({
        query: sql,
        format: 'JSONEachRow',
        query_params: { from: storable(from), to: storable(to) },
        clickhouse_settings: {
          do_not_merge_across_partitions_select_final: 1,
          max_execution_time: timeoutSeconds,
        },
      });
      return z.array(row).parse(await result.json());
    });

  return {
    migrate: () => guarded(async () => {}),

    insertSpans: (blocks, signal) =>
      guarded(async () => {
        if (blocks.length === 0) return;
        const { stream } = await (
          await client()
        ).exec({
          query: 'INSERT INTO spans FORMAT Native',
          values: Readable.from(
            blocks.map((block) => block.data),
            { objectMode: false },
          ),
          clickhouse_settings: { ...insertSettings, insert_deduplication_token: tokenOf(blocks) },
          abort_signal: writeSignal(signal),
        });
        await finished(stream.resume());
      }),

    recordBatches: (batches, signal) =>
      guarded(async () => {
        if (batches.length === 0) return;
        await (
          await client()
        ).insert({
          table: 'batches',
          columns: ['source', 'id', 'spans', 'watermark', 'loss'],
          values: batches.map(({ source, id, spans, watermarkMs, loss }) => ({
            source,
            id,
            spans,
            // Digits alone are seconds only when there are enough of them.
            watermark: new Date(watermarkMs).toISOString().slice(0, -1),
            loss,
          })),
          format: 'JSONEachRow',
          abort_signal: writeSignal(signal),
        });
      }),

    red: async (range, by) => redRows(await ask(redQuestion, range), by),

    storedArms: (range) => ask(storedArmsQuestion, range),

    ping: () =>
      store.guarded(async () => {
        const answer = await (await client()).ping({ select: true });
        if (!answer.success) throw answer.error;
      }),

    close: () => store.close(),
  };
}

/** An instant within what a span's start can be, 1970 to 2262: beyond that ClickHouse overflows. */
function storable(unixMs: number): number {
  return Math.floor(Math.min(Math.max(unixMs, 0), 9_223_372_036_854));
}

/** Equal bytes have an equal token: ClickHouse drops a repeated insert before it becomes a part. */
function tokenOf(blocks: readonly SpanBlock[]): string {
  const hash = createHash('sha256');
  for (const { data } of blocks) hash.update(data);
  return hash.digest('hex');
}
