import type { TelemetryConfig } from './telemetry-config.ts';

/** What is switched on. */
export interface TelemetrySettings {
  /** Serve `GET /metrics`. */
  readonly metrics: boolean;
  /** Load OpenTelemetry's SDK to send traces, metrics or both. */
  readonly send: boolean;
  /** Whether traces are among what is sent. */
  readonly traces: boolean;
  /** Variables for the SDK: it reads its settings from the environment and nowhere else. */
  readonly variables: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Ways that the SDK can send; `prometheus` is not one: `/metrics` is there without it and without a second port. */
const senders = { traces: ['otlp', 'console', 'zipkin'], metrics: ['otlp', 'console'] } as const;

/**
 * Decides by the standard `OTEL_*` variables, then the file. Without an exporter, an endpoint or a receiver named
 * anywhere nothing is sent, and nothing of the SDK is loaded.
 */
export function telemetrySettings(file: TelemetryConfig, env: Environment): TelemetrySettings {
  const given = (name: string): string | undefined => env[name]?.trim() || undefined;
  const disabled = given('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const exportersOf = (signal: 'traces' | 'metrics'): string => {
    const upper = signal.toUpperCase();
    const named = given(`OTEL_${upper}_EXPORTER`)
      ?.split(',')
      .map((name) => name.trim());
    const hasReceiver =
      given('OTEL_EXPORTER_OTLP_ENDPOINT') ??
      given(`OTEL_EXPORTER_OTLP_${upper}_ENDPOINT`) ??
      file.endpoint;
    const wanted = named ?? (hasReceiver === undefined ? [] : ['otlp']);
    const known: readonly string[] = senders[signal];
    return wanted.filter((name) => known.includes(name)).join(',') || 'none';
  };
  const traces = exportersOf('traces');
  const metrics = exportersOf('metrics');
  const fromFile = {
    ...(file.endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: file.endpoint }),
    OTEL_EXPORTER_OTLP_PROTOCOL: file.protocol,
    ...(Object.keys(file.headers).length === 0
      ? {}
      : { OTEL_EXPORTER_OTLP_HEADERS: headerList(file.headers) }),
    ...(hasServiceName(given('OTEL_RESOURCE_ATTRIBUTES'))
      ? {}
      : { OTEL_SERVICE_NAME: file.serviceName }),
    ...(given('OTEL_TRACES_SAMPLER') === undefined && file.sampleRatio < 1
      ? {
          OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
          OTEL_TRACES_SAMPLER_ARG: String(file.sampleRatio),
        }
      : {}),
  };
  const missing = Object.entries(fromFile).filter(([name]) => given(name) === undefined);
  return {
    metrics: file.metrics,
    traces: !disabled && traces !== 'none',
    send: !disabled && (traces !== 'none' || metrics !== 'none'),
    variables: {
      ...Object.fromEntries(missing),
      OTEL_TRACES_EXPORTER: traces,
      OTEL_METRICS_EXPORTER: metrics,
    },
  };
}

/** Values are percent-encoded, as the OTLP exporter's specification asks for. */
function headerList(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join(',');
}

function hasServiceName(attributes = ''): boolean {
  return attributes.split(',').some((pair) => pair.trim().startsWith('service.name='));
}
