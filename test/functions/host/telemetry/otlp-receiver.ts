import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { listenOnLoopback } from '../helpers.ts';
import { attributeList, resource, tracesData, type ReceivedSpan } from './otlp-json.ts';

const point = z.object({
  attributes: attributeList,
  asDouble: z.number().optional(),
  asInt: z.union([z.string(), z.number()]).transform(Number).optional(),
  count: z.union([z.string(), z.number()]).transform(Number).optional(),
  sum: z.number().optional(),
});
const points = z.object({ dataPoints: z.array(point) });
const metric = z.object({
  name: z.string(),
  unit: z.string().optional(),
  sum: points.optional(),
  gauge: points.optional(),
  histogram: points.optional(),
});
const metricsRequest = z.object({
  resourceMetrics: z.array(
    z.object({ resource, scopeMetrics: z.array(z.object({ metrics: z.array(metric) })) }),
  ),
});

/** What was sent to the receiver. */
export interface OtlpReceiver {
  readonly url: string;
  /** In order of arrival. */
  readonly spans: ReceivedSpan[];
  /** Every export's metrics, in order. */
  readonly metrics: z.output<typeof metric>[];
  /** Attributes of every resource that sent something. */
  readonly resources: Readonly<Record<string, unknown>>[];
  readonly requests: string[];
}

/** A receiver of OTLP/HTTP with JSON bodies, on loopback. */
export async function startOtlpReceiver(t: ExecutionContext): Promise<OtlpReceiver> {
  const received = {
    spans: [] as ReceivedSpan[],
    metrics: [] as z.output<typeof metric>[],
    resources: [] as Readonly<Record<string, unknown>>[],
    requests: [] as string[],
  };
  const take = async (request: IncomingMessage): Promise<void> => {
    received.requests.push(request.url ?? '');
    const body: unknown = JSON.parse(await text(request));
    if (request.url === '/v1/traces') {
      for (const { resource: from, scopeSpans } of tracesData.parse(body).resourceSpans) {
        received.resources.push(from.attributes);
        received.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
      }
    } else {
      for (const { scopeMetrics } of metricsRequest.parse(body).resourceMetrics) {
        received.metrics.push(...scopeMetrics.flatMap(({ metrics }) => metrics));
      }
    }
  };
  const server = createServer((request, response) => {
    take(request).then(
      () => response.setHeader('content-type', 'application/json').end('{}'),
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}`, ...received };
}
