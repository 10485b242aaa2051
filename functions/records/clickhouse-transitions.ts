import { z } from 'zod';
import { openClickHouse, type ClickHouseOptions } from '../clickhouse/connection.ts';
import type { TableSchema } from '../clickhouse/migration.ts';
import type { Log } from '../lib/log.ts';
import type { TransitionMemory } from './transition-memory.ts';

const schema: TableSchema = {
  ledger: 'transition_migrations',
  migrations: [
    {
      number: 1,
      name: 'transitions',
      statements: [
        `CREATE TABLE IF NOT EXISTS transitions (
          uid String,
          what LowCardinality(String),
          value String,
          noted_at DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC')
        )
        ENGINE = ReplacingMergeTree(noted_at)
        ORDER BY (uid, what)
        SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
      ],
    },
  ],
};

const rows = z.array(z.object({ value: z.string() }));

/** Transitions in ClickHouse: Kubernetes keeps its own records of them for an hour only. */
export function createClickHouseTransitions(
  options: ClickHouseOptions,
  { log }: { readonly log: Pick<Log, 'info'> },
): TransitionMemory {
  const store = openClickHouse(options, schema, log);
  const { client, guarded, writeSignal } = store;

  const newest = (uid: string, where: string, params: object): Promise<string | undefined> =>
    guarded(async () => {
      const result = await (
        await client()
      ).query({
        query: `SELECT argMax(value, noted_at) AS value FROM transitions WHERE uid = {uid:String} ${where} GROUP BY uid`,
        query_params: { uid, ...params },
        format: 'JSONEachRow',
      });
      return rows.parse(await result.json())[0]?.value;
    });

  return {
    noted: (uid, what) => newest(uid, 'AND what = {what:String}', { what }),

    remember: (uid, what, value) =>
      guarded(async () => {
        await (
          await client()
        ).insert({
          table: 'transitions',
          columns: ['uid', 'what', 'value'],
          values: [{ uid, what, value }],
          format: 'JSONEachRow',
          clickhouse_settings: { async_insert: 0 },
          abort_signal: writeSignal(),
        });
      }),

    async forget(uid) {
      // A deletion rewrites parts of the table: not where there is nothing to delete.
      if ((await newest(uid, '', {})) === undefined) return;
      await guarded(async () =>
        (await client()).command({
          query: 'DELETE FROM transitions WHERE uid = {uid:String}',
          query_params: { uid },
        }),
      );
    },

    close: () => store.close(),
  };
}
