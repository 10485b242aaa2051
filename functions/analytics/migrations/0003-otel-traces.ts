import type { Migration } from './migration.ts';

/** Attributes back under their names, without those that the span did not have. */
const named = (columns: readonly (readonly [attribute: string, column: string])[]): string =>
  `mapFilter((k, v) -> v != '', map(${columns
    .map(([attribute, column]) => `'${attribute}', toString(${column})`)
    .join(', ')}))`;

const positive = (column: string): string => `if(${column} = 0, '', toString(${column}))`;

const resourceAttributes = named([
  ['service.name', 'service'],
  ['service.version', 'version'],
  ['k8s.namespace.name', 'namespace'],
  ['k8s.pod.name', 'pod'],
  ['k8s.node.name', 'node'],
]);

const spanAttributes = named([
  ['http.request.method', 'method'],
  ['url.path', 'path'],
  ['http.route', 'route'],
  ['http.response.status_code', positive('status_code')],
  ['clover.run', 'run'],
  ['clover.epoch', positive('epoch')],
  ['clover.arm', 'arm'],
  ['clover.time_to_first_byte', positive('ttfb_ns')],
]);

/** [name, type, expression]: names and types are those of the exporter's `otel_traces` table. */
const columns: readonly (readonly [name: string, type: string, expression: string])[] = [
  ['Timestamp', 'DateTime64(9)', 'ts'],
  ['TraceId', 'String', 'lower(hex(trace_id))'],
  ['SpanId', 'String', 'lower(hex(span_id))'],
  [
    'ParentSpanId',
    'String',
    "if(parent_span_id = toFixedString('', 8), '', lower(hex(parent_span_id)))",
  ],
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
  ['Links.TraceId', 'Array(String)', 'arrayMap(id -> lower(hex(id)), links.trace_id)'],
  ['Links.SpanId', 'Array(String)', 'arrayMap(id -> lower(hex(id)), links.span_id)'],
  ['Links.TraceState', 'Array(String)', 'links.trace_state'],
  ['Links.Attributes', 'Array(Map(LowCardinality(String), String))', 'links.attributes'],
];

/**
 * The spans under the names and types of the OpenTelemetry Collector's ClickHouse exporter, for
 * the dashboards that know those. Not de-duplicated before merges, as that exporter's table is not.
 */
export const otelTraces: Migration = {
  number: 3,
  name: 'otel_traces',
  statements: [
    `CREATE OR REPLACE VIEW otel_traces (
      ${columns.map(([name, type]) => `\`${name}\` ${type}`).join(',\n      ')}
    ) AS SELECT
      ${columns.map(([name, , expression]) => `${expression} AS \`${name}\``).join(',\n      ')}
    FROM spans`,
  ],
};
