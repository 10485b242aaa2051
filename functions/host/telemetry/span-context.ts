/** Where a span stands in its trace; hex as W3C Trace Context writes it. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Bit 0: sampled. */
  readonly flags: number;
}

const form =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Reads a `traceparent` (W3C Trace Context §3.2); undefined when it is none. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = form.exec(text ?? '') ?? [];
  if (text === undefined || traceId === undefined || spanId === undefined) return undefined;
  // Version 00 has nothing behind the flags.
  if (text.startsWith('00') && text.length !== 55) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags ?? '', 16) };
}

/** Writes a `traceparent`. */
export function traceparentOf({ traceId, spanId, flags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}

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
