import type { ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import type { Log } from '../lib/log.ts';
import type { TableSchema } from './migration.ts';

const applied = z.array(z.object({ number: z.coerce.number() }));

/**
 * Brings a schema forward. Safe to run at every start and from several processes: every
 * statement is idempotent and is recorded after it took effect.
 *
 * @param admin A client without a database.
 * @param database Letters, digits and `_`; made with ENGINE = Atomic.
 */
export async function migrate(
  admin: ClickHouseClient,
  client: ClickHouseClient,
  database: string,
  { ledger, migrations }: TableSchema,
  log: Pick<Log, 'info'>,
): Promise<void> {
  // `default` of the embedded ClickHouse is an Overlay, which lacks EXCHANGE and CREATE OR REPLACE.
  await admin.command({ query: `CREATE DATABASE IF NOT EXISTS \`${database}\` ENGINE = Atomic` });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS ${ledger} (
      number UInt32, name String, applied_at DateTime('UTC') DEFAULT now('UTC')
    ) ENGINE = ReplacingMergeTree(applied_at) ORDER BY number`,
  });
  const rows = await client.query({
    query: `SELECT DISTINCT number FROM ${ledger}`,
    format: 'JSONEachRow',
  });
  const done = new Set(applied.parse(await rows.json()).map((row) => row.number));
  for (const { number, name, statements } of migrations) {
    if (done.has(number)) continue;
    for (const query of statements) await client.command({ query });
    await client.insert({
      table: ledger,
      values: [{ number, name }],
      columns: ['number', 'name'],
      format: 'JSONEachRow',
    });
    log.info({ ledger, number, name, database }, 'migrated the tables');
  }
}
