import { parseTraceparent, type SpanContext } from '../../lib/trace-context.ts';

/** The context of a new span below a parent, or of a new trace that is sampled. */
export function childContext(parent: SpanContext | undefined): SpanContext {
  return {
    traceId: parent?.traceId ?? randomHex(16),
    spanId: randomHex(8),
    flags: (parent?.flags ?? 1) & 1,
  };
}

/**
 * Fields of a log line that belongs to a trace, with the names of OpenTelemetry's log data model; none for what is not
 * a `traceparent`.
 */
export function traceFields(traceparent: string | undefined): Readonly<Record<string, string>> {
  const context = parseTraceparent(traceparent);
  if (context === undefined) return {};
  return {
    trace_id: context.traceId,
    span_id: context.spanId,
    trace_flags: context.flags.toString(16).padStart(2, '0'),
  };
}

/** Not the crypto module, which a function that starts would wait for; the global is loaded when it is used. */
function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
}
