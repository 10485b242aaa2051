import type { FunctionRow } from './function-table.ts';
import type { Installation } from './installation.ts';

/** A variable of a container, as Kubernetes writes it. */
export type EnvironmentVariable =
  | { name: string; value: string }
  | { name: string; valueFrom: { secretKeyRef: { name: string; key: string } } };

/** What a function reads from its environment, beside what Knative sets (`PORT`, `K_SERVICE`, `K_SINK`, …). */
export function environmentOf(
  { clickhouse, logLevel }: Installation,
  { clickhouse: isKept }: FunctionRow,
): EnvironmentVariable[] {
  const { url, username, database, passwordSecret } = clickhouse;
  const store: EnvironmentVariable[] = [
    { name: 'CLICKHOUSE_URL', value: url },
    { name: 'CLICKHOUSE_USER', value: username },
    { name: 'CLICKHOUSE_PASSWORD', valueFrom: { secretKeyRef: { ...passwordSecret } } },
    { name: 'CLICKHOUSE_DATABASE', value: database },
  ];
  return [{ name: 'LOG_LEVEL', value: logLevel }, ...(isKept ? store : [])];
}
