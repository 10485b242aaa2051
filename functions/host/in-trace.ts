import type { CloudEvent } from '../lib/cloud-event.ts';
import type { TraceContext } from '../lib/trace-context.ts';

/**
 * The event as one of this trace, unless it is one of another: what is in CloudEvents' distributed-tracing extension is
 * where the event's trace began, and no hop changes that.
 */
export function inTrace(event: CloudEvent, context: TraceContext | undefined): CloudEvent {
  if (context === undefined || event.extensions['traceparent'] !== undefined) return event;
  // A state without its parent says nothing, and must not become that of another trace.
  const { tracestate: _, ...others } = event.extensions;
  return { ...event, extensions: { ...others, ...context } };
}
