import { randomBytes } from 'node:crypto';
import {
  createTraceState,
  diag,
  DiagLogLevel,
  metrics as metricsApi,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Histogram,
  type Meter,
  type Span,
} from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Log } from '../../lib/log.ts';
import type { SpanStart, TelemetryAttributes } from '../telemetry.ts';
import type { SdkSpan, StartSpan } from './early-spans.ts';
import type { MetricDefinition } from '../../lib/metrics/metric-definition.ts';
import { metrics, type MetricName } from './metrics.ts';
import { metricNames, type MetricRegistry } from './registry.ts';
import {
  parseTraceparent,
  parseTracestate,
  traceparentOf,
  type SpanContext,
} from '../../lib/trace-context.ts';

/** OpenTelemetry's SDK at work. */
export interface OpenTelemetry {
  readonly startSpan: StartSpan;
  /** Adds a value to a histogram. */
  record(name: MetricName, value: number, attributes: TelemetryAttributes): void;
  /** Sends what is left. */
  shutdown(): Promise<void>;
}

/** Options of {@link startOpenTelemetry}. */
export interface OpenTelemetryOptions {
  /** Counters and gauges are read from here. */
  readonly registry: MetricRegistry;
  /** `OTEL_*` variables that are set for the SDK. */
  readonly variables: Readonly<Record<string, string>>;
  readonly log: Log;
}

const scope = 'clover';

/**
 * Starts the SDK. This module is the only one that imports it, and is itself imported only when something is to be sent.
 * Nothing is instrumented by itself: spans and metrics are those of this program's own seams, and the SDK's requests to
 * its receiver make none.
 */
export function startOpenTelemetry({
  registry,
  variables,
  log,
}: OpenTelemetryOptions): OpenTelemetry {
  Object.assign(process.env, variables);
  // Not the process and host detectors: a command line and its paths are nobody's business.
  process.env['OTEL_NODE_RESOURCE_DETECTORS'] ??= 'env,serviceinstance';
  const born: SpanContext[] = [];
  const sdk = new NodeSDK({
    instrumentations: [],
    logRecordProcessors: [],
    idGenerator: {
      generateTraceId: () => born.at(-1)?.traceId ?? randomBytes(16).toString('hex'),
      generateSpanId: () => born.at(-1)?.spanId ?? randomBytes(8).toString('hex'),
    },
  });
  diag.setLogger(diagLogger(log), {
    logLevel: DiagLogLevel.WARN,
    suppressOverrideMessage: true,
  });
  sdk.start();
  const tracer = trace.getTracer(scope);
  const histograms = forwardMetrics(metricsApi.getMeter(scope), registry);

  return {
    startSpan: (name, start, birth) => {
      const { kind, attributes = {} } = start;
      const startTime = birth === undefined ? {} : { startTime: birth.startedAt };
      if (birth !== undefined) born.push(birth.context);
      try {
        const options = { kind: kinds[kind], attributes, ...startTime };
        return wrap(tracer.startSpan(name, options, parentContext(start)));
      } finally {
        if (birth !== undefined) born.pop();
      }
    },
    record: (name, value, attributes) => histograms.get(name)?.record(value, attributes),
    shutdown: () => sdk.shutdown(),
  };
}

const kinds = {
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  server: SpanKind.SERVER,
} as const;

function parentContext({ traceparent, tracestate }: SpanStart): Context {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return ROOT_CONTEXT;
  const known = parseTracestate(tracestate);
  const state = known === undefined ? {} : { traceState: createTraceState(known) };
  const { traceId, spanId, flags } = parent;
  const remote = { traceId, spanId, traceFlags: flags & 1, isRemote: true, ...state };
  return trace.setSpanContext(ROOT_CONTEXT, remote);
}

function wrap(span: Span): SdkSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  // Without a tracer (traces are not sent) the span is its parent, or nobody.
  const own = traceparentOf({ traceId, spanId, flags: traceFlags });
  return {
    traceparent: parseTraceparent(own) === undefined ? undefined : own,
    set: (attributes) => {
      span.setAttributes(attributes);
    },
    rename: (name) => {
      span.updateName(name);
    },
    fail: (thrown) => {
      if (thrown !== undefined) span.recordException(thrown);
      const message = thrown === undefined ? {} : { message: thrown.message };
      span.setStatus({ code: SpanStatusCode.ERROR, ...message });
    },
    end: (at) => span.end(at),
  };
}

/** Counters and gauges are read when they are sent; histograms take their values as they come. */
function forwardMetrics(meter: Meter, registry: MetricRegistry): Map<MetricName, Histogram> {
  const histograms = new Map<MetricName, Histogram>();
  for (const name of metricNames) {
    const { kind, unit, help: description, buckets }: MetricDefinition = metrics[name];
    if (kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] };
      histograms.set(name, meter.createHistogram(name, { description, unit, advice }));
      continue;
    }
    const instrument =
      kind === 'counter'
        ? meter.createObservableCounter(name, { description, unit })
        : meter.createObservableGauge(name, { description, unit });
    instrument.addCallback(async (result) => {
      for (const { value, attributes } of await registry.read(name)) {
        result.observe(value, attributes);
      }
    });
  }
  return histograms;
}

/** What the SDK has to say goes into our log; a receiver that is down is no error of this program. */
function diagLogger(log: Log) {
  const warn = (message: string): void => log.warn({ component: 'opentelemetry' }, message);
  const quiet = (message: string): void => log.debug({ component: 'opentelemetry' }, message);
  return { error: warn, warn, info: quiet, debug: quiet, verbose: quiet };
}
