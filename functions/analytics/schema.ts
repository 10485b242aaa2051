import type { TableSchema } from '../clickhouse/migration.ts';
import { spans } from './migrations/0001-spans.ts';
import { batches } from './migrations/0002-batches.ts';
import { otelTraces } from './migrations/0003-otel-traces.ts';

/** Spans, their ledger, and the views of both. */
export const analyticsSchema: TableSchema = {
  ledger: 'schema_migrations',
  migrations: [spans, batches, otelTraces],
};
