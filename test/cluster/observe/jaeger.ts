import { z } from 'zod';
import { waitUntilReady } from '../../../cloverctl/supervisor/readiness.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import {
  placedSpans,
  tracesData,
  type PlacedSpan,
} from '../../functions/host/telemetry/otlp-json.ts';
import { writeSettings, type ProgramSite } from './site.ts';

/** A Jaeger that keeps traces in memory. */
export interface Jaeger {
  /** Base URL of its API. */
  readonly url: string;
  /** Base URL of OTLP over HTTP. */
  readonly otlp: string;
  /** The spans of a trace that it has by now, in no order. */
  trace(traceId: string): Promise<readonly PlacedSpan[]>;
}

const name = 'jaeger';
const storage = 'memory';
const found = z.object({ result: tracesData });

/**
 * Starts one; resolves when it takes spans.
 * @throws CloverError CLV_INTERNAL with the end of its log when it does not in half a minute.
 */
export async function startJaeger({
  supervisor,
  program,
  folder,
  address,
}: ProgramSite): Promise<Jaeger> {
  const [api, grpc, otlp, health] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const at = (port: number): string => `${address}:${port}`;
  const settings = {
    extensions: {
      healthcheckv2: { use_v2: true, http: { endpoint: at(health) } },
      jaeger_storage: { backends: { [storage]: { memory: { max_traces: 10_000 } } } },
      jaeger_query: {
        storage: { traces: storage },
        http: { endpoint: at(api) },
        grpc: { endpoint: at(grpc) },
      },
    },
    receivers: { otlp: { protocols: { http: { endpoint: at(otlp) } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: storage } },
    service: {
      extensions: ['healthcheckv2', 'jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { logs: { level: 'warn' }, metrics: { level: 'none' } },
    },
  };
  await supervisor.start({
    name,
    command: program,
    args: [`--config=${writeSettings(folder, name, settings)}`],
  });
  await waitUntilReady({ supervisor, name, probe: { url: `http://${at(health)}/status` } });
  const url = `http://${at(api)}`;
  return {
    url,
    otlp: `http://${at(otlp)}`,
    trace: async (traceId) => {
      const response = await fetch(`${url}/api/v3/traces/${traceId}?raw_traces=true`);
      const body: unknown = await response.json();
      if (response.status === 404) return [];
      if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(body)}`);
      return placedSpans(found.parse(body).result);
    },
  };
}
