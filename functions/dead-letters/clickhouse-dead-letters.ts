import { z } from 'zod';
import { openClickHouse, type ClickHouseOptions } from '../clickhouse/connection.ts';
import type { TableSchema } from '../clickhouse/migration.ts';
import { unseal } from '../host/broker/envelope.ts';
import { attributesOf } from '../host/cloud-event-attributes.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import type { Log } from '../lib/log.ts';
import type { DeadLetter, DeadLetterAdmin } from './dead-letter-admin.ts';

/** Dead letters where several processes keep and read them. */
export interface DeadLetterStore extends Pick<
  DeadLetterAdmin,
  'deadLetter' | 'deadLetters' | 'dropDeadLetter'
> {
  /** Resolves once the letter is on the disk. An event that is a dead letter of the trigger already stays that one. */
  add(trigger: string, event: CloudEvent): Promise<void>;
  close(): Promise<void>;
}

/**
 * The number of a letter is that of its insert, which ClickHouse counts for the table and keeps with the row: it has no other
 * sequence. So each insert has one row.
 *
 * Who sends a letter again makes a row of the same key; the first one stays.
 */
const schema: TableSchema = {
  ledger: 'dead_letter_migrations',
  migrations: [
    {
      number: 1,
      name: 'dead letters',
      statements: [
        `CREATE TABLE IF NOT EXISTS dead_letters (
          trigger LowCardinality(String),
          source String,
          event String,
          at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
          header String CODEC(ZSTD(1)),
          data String CODEC(ZSTD(1)),
          earlier Int64 MATERIALIZED -toUnixTimestamp64Milli(at)
        )
        ENGINE = ReplacingMergeTree(earlier)
        ORDER BY (trigger, source, event)
        TTL toDateTime(at) + INTERVAL 30 DAY
        SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, enable_block_number_column = 1`,
      ],
    },
  ],
};

const rows = z.array(
  z.object({
    id: z.int(),
    trigger: z.string(),
    at: z.int(),
    header: z.string(),
    data: z.base64(),
  }),
);

/** Opens the table; it is made on first use. */
export function createClickHouseDeadLetters(
  options: ClickHouseOptions,
  { log }: { readonly log: Pick<Log, 'info'> },
): DeadLetterStore {
  const store = openClickHouse(options, schema, log);
  const { client, guarded, writeSignal } = store;

  const select = (where: string, params: object): Promise<readonly DeadLetter[]> =>
    guarded(async () => {
      const result = await (
        await client()
      ).query({
        query: `SELECT _block_number AS id, trigger, toUnixTimestamp64Milli(at) AS at, header, data
                FROM dead_letters FINAL WHERE ${where} ORDER BY _block_number DESC LIMIT {limit:UInt32}`,
        query_params: { limit: 1, ...params },
        format: 'JSONEachRow',
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
      });
      return rows.parse(await result.json()).map(({ id, trigger, at, header, data }) => ({
        id,
        trigger,
        at,
        event: unseal({ header, data: Buffer.from(data, 'base64') }).event,
      }));
    });

  const deadLetter = async (id: number): Promise<DeadLetter | undefined> =>
    (await select('_block_number = {id:UInt64}', { id }))[0];

  return {
    add: (trigger, event) =>
      guarded(async () => {
        const { source, id, data } = event;
        const header = JSON.stringify(Object.fromEntries(attributesOf(event)));
        await (
          await client()
        ).insert({
          table: 'dead_letters',
          columns: ['trigger', 'source', 'event', 'header', 'data'],
          values: [{ trigger, source, event: id, header, data: data.toString('base64') }],
          format: 'JSONEachRow',
          clickhouse_settings: { async_insert: 0 },
          abort_signal: writeSignal(),
        });
      }),

    deadLetters: ({ limit, before = Number.MAX_SAFE_INTEGER, trigger }) =>
      trigger === undefined
        ? select('_block_number < {before:UInt64}', { before, limit })
        : select('trigger = {trigger:String} AND _block_number < {before:UInt64}', {
            before,
            limit,
            trigger,
          }),

    deadLetter,

    async dropDeadLetter(id) {
      const letter = await deadLetter(id);
      if (letter === undefined) return false;
      const { trigger, event } = letter;
      // By its key: the row that came again would be the letter then.
      await guarded(async () =>
        (await client()).command({
          query: `DELETE FROM dead_letters
                  WHERE trigger = {trigger:String} AND source = {source:String} AND event = {event:String}`,
          query_params: { trigger, source: event.source, event: event.id },
        }),
      );
      return true;
    },

    close: () => store.close(),
  };
}
