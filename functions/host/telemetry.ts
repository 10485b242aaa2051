import type { MetricName } from './telemetry/metrics.ts';

/** Values of attributes, by their name in the semantic conventions of OpenTelemetry. */
export type TelemetryAttributes = Readonly<Record<string, string | number | boolean>>;

/** Work that is being traced. */
export interface TelemetrySpan {
  /** W3C `traceparent` of this span, for what it calls; undefined when nothing is traced. */
  readonly traceparent: string | undefined;
  set(attributes: TelemetryAttributes): void;
  /** Gives it another name; of use before its end. */
  rename(name: string): void;
  /** Marks the span failed, with what was thrown if anything was. */
  fail(thrown?: Error): void;
  end(): void;
}

/** How a span begins. */
export interface SpanStart {
  readonly kind: 'consumer' | 'internal' | 'producer' | 'server';
  /** W3C headers of whoever caused it. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly attributes?: TelemetryAttributes;
}

/**
 * Traces and metrics of Clover itself. Implementations: `noTelemetry`; OpenTelemetry's SDK, which is
 * loaded only when it is wanted.
 */
export interface Telemetry {
  span(name: string, start: SpanStart): TelemetrySpan;
  /** Adds to a counter. */
  count(name: MetricName, value: number, attributes?: TelemetryAttributes): void;
  /** Adds a value to a histogram; seconds for durations, bytes for sizes. */
  record(name: MetricName, value: number, attributes?: TelemetryAttributes): void;
  /** A gauge or a counter that is read when someone looks. */
  observe(name: MetricName, read: () => Promise<readonly Observation[]>): void;
  /** The metrics in Prometheus' text format, where they are pulled. */
  readonly scrape?: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Sends what is left; the last call. */
  shutdown(): Promise<void>;
}

/** One value of an observed metric. */
export interface Observation {
  readonly value: number;
  readonly attributes?: TelemetryAttributes;
}

const noSpan: TelemetrySpan = {
  traceparent: undefined,
  set: () => undefined,
  rename: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};

/** Nothing is measured and nothing is loaded. */
export const noTelemetry: Telemetry = {
  span: () => noSpan,
  count: () => undefined,
  record: () => undefined,
  observe: () => undefined,
  shutdown: async () => undefined,
};
