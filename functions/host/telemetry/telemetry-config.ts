import { z } from 'zod';

/** The key `telemetry` of a configuration file. Environment variables go before it. */
export const telemetryConfig = z.strictObject({
  /** Serves `GET /metrics`. */
  metrics: z.boolean().default(true),
  /** Base URL of an OTLP receiver, such as a collector's `http://127.0.0.1:4318`; switches sending on. */
  endpoint: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
  protocol: z.enum(['grpc', 'http/json', 'http/protobuf']).default('http/protobuf'),
  /** Sent with every request to the receiver. */
  headers: z.record(z.string().regex(/^[\w-]+$/), z.string().regex(/^[\x20-\x7e]*$/)).default({}),
  serviceName: z.string().min(1).default('clover'),
  /** Share of the traces that begin here, from 0 to 1; a caller's decision is kept. */
  sampleRatio: z.number().min(0).max(1).default(1),
});

/** The configuration file's part in telemetry. */
export type TelemetryConfig = z.output<typeof telemetryConfig>;
