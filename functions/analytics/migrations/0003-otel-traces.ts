import type { Migration } from '../../clickhouse/migration.ts';

/** Attributes back under their names, without those that the span did not have. */
const named = (columns: readonly (readonly [attribute: string, column: string])[]): string =>
  `mapFilter((k, v) -> v != '', map(${columns
    .map(([attribute, column]) => `'${attribute}', toString(${column})`)
    .join(', ')}))`;

const positive = (column: string): string => `if(${column} = 0, '', toString(${column}))`;

/** Beside an older name in the map, a column is a copy of it: what nobody sent is not shown. */
const sentAs = (older: string, expression: string): string =>
  `if(mapContains(attributes, '${older}'), '', ${expression})`;

/** Zeros are an id that is not there; the exporter writes an empty text. */
const idText = (id: string, size: number): string =>
  `if(${id} = toFixedString('', ${size}), '', lower(hex(${id})))`;

const resourceAttributes = named([
  ['service.name', 'service'],
  ['service.version', 'version'],
  ['k8s.namespace.name', 'namespace'],
  ['k8s.pod.name', 'pod'],
  ['k8s.node.name', 'node'],
]);

const spanAttributes = named([
  ['http.request.method', sentAs('http.method', 'method')],
  ['url.path', 'path'],
  ['http.route', 'route'],
  ['http.response.status_code', sentAs('http.status_code', positive('status_code'))],
  ['clover.run', 'run'],
  ['clover.epoch', positive('epoch')],
  ['clover.arm', 'arm'],
  ['clover.time_to_first_byte', positive('ttfb_ns')],
]);

/**
 * The spans under the names and types of the `otel_traces` table of the OpenTelemetry Collector's
 * ClickHouse exporter: [name, type, expression over `spans`].
 */
const columns: readonly (readonly [name: string, type: string, expression: string])[] = [
  ['Timestamp', 'DateTime64(9)', 'ts'],
  ['TraceId', 'String', 'lower(hex(trace_id))'],
  ['SpanId', 'String', 'lower(hex(span_id))'],
  ['ParentSpanId', 'String', idText('parent_span_id', 8)],
  ['TraceState', 'String', 'trace_state'],
  ['SpanName', 'LowCardinality(String)', 'name'],
  ['SpanKind', 'LowCardinality(String)', 'toString(kind)'],
  ['ServiceName', 'LowCardinality(String)', 'service'],
  [
    'ResourceAttributes',
    'Map(LowCardinality(String), String)',
    `mapConcat(CAST(resource_attributes, 'Map(String, String)'), ${resourceAttributes})`,
  ],
  ['ScopeName', 'String', 'scope_name'],
  ['ScopeVersion', 'String', 'scope_version'],
  [
    'SpanAttributes',
    'Map(LowCardinality(String), String)',
    `mapConcat(${spanAttributes}, CAST(attributes, 'Map(String, String)'))`,
  ],
  ['Duration', 'UInt64', 'duration_ns'],
  ['StatusCode', 'LowCardinality(String)', 'toString(status)'],
  ['StatusMessage', 'String', 'status_message'],
  ['Events.Timestamp', 'Array(DateTime64(9))', 'events.ts'],
  ['Events.Name', 'Array(LowCardinality(String))', 'events.name'],
  ['Events.Attributes', 'Array(Map(LowCardinality(String), String))', 'events.attributes'],
  ['Links.TraceId', 'Array(String)', `arrayMap(id -> ${idText('id', 16)}, links.trace_id)`],
  ['Links.SpanId', 'Array(String)', `arrayMap(id -> ${idText('id', 8)}, links.span_id)`],
  ['Links.TraceState', 'Array(String)', 'links.trace_state'],
  ['Links.Attributes', 'Array(Map(LowCardinality(String), String))', 'links.attributes'],
];

/**
 * Views for dashboards that know the exporter's tables: its spans, and the companion table in which
 * Grafana looks up the time range of a trace. FINAL: a span that was delivered twice is one row,
 * also before it merged.
 */
export const otelTraces: Migration = {
  number: 3,
  name: 'otel_traces',
  statements: [
    `CREATE OR REPLACE VIEW otel_traces (
      ${columns.map(([name, type]) => `\`${name}\` ${type}`).join(',\n      ')}
    ) AS SELECT
      ${columns.map(([name, , expression]) => `${expression} AS \`${name}\``).join(',\n      ')}
    FROM spans FINAL
    SETTINGS do_not_merge_across_partitions_select_final = 1`,
    `CREATE OR REPLACE VIEW otel_traces_trace_id_ts (TraceId String, Start DateTime, End DateTime) AS
    SELECT lower(hex(trace_id)) AS TraceId, toDateTime(min(ts)) AS Start, toDateTime(max(ts)) AS End
    FROM spans
    GROUP BY TraceId`,
  ],
};
