import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import type { PlacedSpan } from '../../functions/host/telemetry/otlp-json.ts';
import type { Collector } from './collector.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('traced-app.ts', import.meta.url));
const said = z.object({ status: z.number(), traceId: z.string() });

/** How the traced application `shop` sends an event. */
export interface Order {
  readonly url: string;
  readonly event: CloudEvent;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends an event as a part of a trace of the application's own, which goes to a Collector over gRPC.
 * @returns the id of the trace, and the status of the answer.
 */
export async function sendFromShop(
  { grpc }: Collector,
  { url, event, headers = {} }: Order,
): Promise<z.output<typeof said>> {
  const all = JSON.stringify({ ...headers, ...eventHeaders(event) });
  const { stdout } = await run(process.execPath, [program, url, all, event.data.toString()], {
    env: {
      ...process.env,
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_ENDPOINT: grpc,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
  });
  return said.parse(JSON.parse(stdout));
}

/** Each span of a trace as `service name`, from one without a parent in the trace down to a given one; empty if there are gaps. */
export function pathTo(spans: readonly PlacedSpan[], last: PlacedSpan): readonly string[] {
  const parent = spans.find(({ spanId }) => spanId === last.parentSpanId);
  const own = `${String(last.resource['service.name'])} ${last.name}`;
  if (parent === undefined) return last.parentSpanId ? [] : [own];
  const above = pathTo(spans, parent);
  return above.length === 0 ? [] : [...above, own];
}
