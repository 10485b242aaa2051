import { agent } from './agent/names.ts';
import { takesEvents, type FunctionRow } from './function-table.ts';
import type { Installation } from './installation.ts';
import { notificationsConfiguration } from './notifications.ts';

/** A variable of a container, as Kubernetes writes it. */
export type EnvironmentVariable =
  | { name: string; value: string }
  | { name: string; valueFrom: { secretKeyRef: { name: string; key: string } } };

/** What a function reads from its environment, beside what Knative sets (`PORT`, `K_SERVICE`, `K_SINK`, …). */
export function environmentOf(installation: Installation, row: FunctionRow): EnvironmentVariable[] {
  const { agents, clickhouse: isKept, onIstio, webhooks } = row;
  const { clickhouse, clusterDomain, controlPlane, logLevel, notifications, oidc, telemetry } =
    installation;
  const { url, username, database, passwordSecret } = clickhouse;
  const store: EnvironmentVariable[] = [
    { name: 'CLICKHOUSE_URL', value: url },
    { name: 'CLICKHOUSE_USER', value: username },
    { name: 'CLICKHOUSE_PASSWORD', valueFrom: { secretKeyRef: { ...passwordSecret } } },
    { name: 'CLICKHOUSE_DATABASE', value: database },
  ];
  const receiver: EnvironmentVariable[] =
    telemetry === undefined
      ? []
      : [
          { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: telemetry.endpoint },
          { name: 'OTEL_EXPORTER_OTLP_PROTOCOL', value: telemetry.protocol },
        ];
  return [
    { name: 'LOG_LEVEL', value: logLevel },
    ...(onIstio !== undefined && controlPlane.istio
      ? [
          { name: 'MESH', value: 'istio' },
          { name: 'CLUSTER_DOMAIN', value: clusterDomain },
        ]
      : []),
    ...(oidc ? [{ name: 'EVENTING_OIDC', value: 'true' }] : []),
    ...(agents === true || (oidc && takesEvents(row))
      ? [{ name: 'AGENT_ACCOUNT', value: agent }]
      : []),
    ...(isKept ? store : []),
    ...(webhooks === true && notifications.length > 0
      ? [{ name: 'NOTIFICATIONS', value: JSON.stringify(notificationsConfiguration(installation)) }]
      : []),
    ...receiver,
  ];
}
