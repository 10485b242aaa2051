import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { z } from 'zod';
import { spans } from './migrations/0001-spans.ts';
import { batches } from './migrations/0002-batches.ts';
import { otelTraces } from './migrations/0003-otel-traces.ts';
import type { Migration } from './migrations/migration.ts';

/** Every migration, in order. */
export const migrations: readonly Migration[] = [spans, batches, otelTraces];

const applied = z.array(z.object({ number: z.coerce.number() }));

/**
 * Brings the schema forward. Safe to run at every start and from several processes: every
 * statement is idempotent and is recorded after it took effect.
 *
 * @param admin A client without a database.
 * @param database Letters, digits and `_`; made with ENGINE = Atomic.
 */
export async function migrate(
  admin: ClickHouseClient,
  client: ClickHouseClient,
  database: string,
  log: Logger,
): Promise<void> {
  // `default` of the embedded ClickHouse is an Overlay, which lacks EXCHANGE and CREATE OR REPLACE.
  await admin.command({ query: `CREATE DATABASE IF NOT EXISTS \`${database}\` ENGINE = Atomic` });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS schema_migrations (
      number UInt32, name String, applied_at DateTime('UTC') DEFAULT now('UTC')
    ) ENGINE = ReplacingMergeTree(applied_at) ORDER BY number`,
  });
  const rows = await client.query({
    query: 'SELECT DISTINCT number FROM schema_migrations',
    format: 'JSONEachRow',
  });
  const done = new Set(applied.parse(await rows.json()).map((row) => row.number));
  for (const { number, name, statements } of migrations) {
    if (done.has(number)) continue;
    for (const query of statements) await client.command({ query });
    await client.insert({
      table: 'schema_migrations',
      values: [{ number, name }],
      columns: ['number', 'name'],
      format: 'JSONEachRow',
    });
    log.info({ number, name, database }, 'migrated the analytics schema');
  }
}
