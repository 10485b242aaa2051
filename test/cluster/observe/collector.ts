import { waitUntilReady } from '../../../cloverctl/supervisor/readiness.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import { writeSettings, type ProgramSite } from './site.ts';

/** An OpenTelemetry Collector, which hands on what it is given. */
export interface Collector {
  /** Base URL of OTLP over HTTP, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it. */
  readonly http: string;
  /** Base URL of OTLP over gRPC. */
  readonly grpc: string;
  /** `host:port` of what it tells of itself, for Prometheus. */
  readonly metrics: string;
}

/** Whom a {@link Collector} hands things on to: base URLs of OTLP over HTTP. */
export interface CollectorTargets {
  readonly traces: string;
  readonly metrics: string;
  /** In JSON. Default: it takes none. */
  readonly logs?: string;
}

const name = 'collector';

/**
 * Starts one; resolves when it takes telemetry.
 * @throws CloverError CLV_INTERNAL with the end of its log when it does not in half a minute.
 */
export async function startCollector(
  { supervisor, program, folder, address }: ProgramSite,
  targets: CollectorTargets,
): Promise<Collector> {
  const [http, grpc, metrics, health] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const at = (port: number): string => `${address}:${port}`;
  const settings = {
    extensions: { health_check: { endpoint: at(health) } },
    receivers: {
      otlp: { protocols: { http: { endpoint: at(http) }, grpc: { endpoint: at(grpc) } } },
    },
    // Whoever waits for a trace waits for the batch, too.
    processors: { batch: { timeout: '100ms' } },
    exporters: {
      'otlp_http/traces': { endpoint: targets.traces },
      'otlp_http/metrics': { endpoint: targets.metrics },
      ...(targets.logs === undefined
        ? {}
        : { 'otlp_http/logs': { endpoint: targets.logs, encoding: 'json', compression: 'none' } }),
    },
    service: {
      extensions: ['health_check'],
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['otlp_http/traces'] },
        metrics: { receivers: ['otlp'], processors: ['batch'], exporters: ['otlp_http/metrics'] },
        ...(targets.logs === undefined
          ? {}
          : {
              logs: { receivers: ['otlp'], processors: ['batch'], exporters: ['otlp_http/logs'] },
            }),
      },
      telemetry: {
        logs: { level: 'warn' },
        metrics: {
          readers: [{ pull: { exporter: { prometheus: { host: address, port: metrics } } } }],
        },
      },
    },
  };
  await supervisor.start({
    name,
    command: program,
    args: [`--config=${writeSettings(folder, name, settings)}`],
  });
  await waitUntilReady({ supervisor, name, probe: { url: `http://${at(health)}/` } });
  return { http: `http://${at(http)}`, grpc: `http://${at(grpc)}`, metrics: at(metrics) };
}
