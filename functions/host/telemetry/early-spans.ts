import { parseTraceparent, traceparentOf, type SpanContext } from '../../lib/trace-context.ts';
import type { SpanStart, Telemetry, TelemetryAttributes, TelemetrySpan } from '../telemetry.ts';
import { childContext } from './span-context.ts';

/** How a span is begun once there is a tracer. */
export interface SpanBirth {
  /** Which ids it has; given to others already. */
  readonly context: SpanContext;
  /** Unix ms, with fractions. */
  readonly startedAt: number;
}

/** Makes spans. `birth` is that of a span which began before there was a tracer. */
export type StartSpan = (name: string, start: SpanStart, birth?: SpanBirth) => SdkSpan;

/** A span of the tracer; ends at a given time, Unix ms, or now. */
export interface SdkSpan extends Omit<TelemetrySpan, 'end'> {
  end(at?: number): void;
}

/** Spans from the first millisecond on, although the tracer comes later. */
export interface EarlySpans {
  readonly span: Telemetry['span'];
  /** Hands every span over, ended or not, and all later ones. */
  adopt(startSpan: StartSpan): void;
  /** There will be no tracer: forgets. */
  abandon(): void;
}

/** The batch processor keeps as many. */
const limit = 2_048;

/**
 * Loading the SDK takes longer than the first request waits. Until it is there spans are noted with ids of their own, so
 * that the invocation that paid for the cold start is in its trace.
 */
export function createEarlySpans(now: () => number = wallClock): EarlySpans {
  let noted: NotedSpan[] | undefined = [];
  let tracer: StartSpan | undefined;
  return {
    span: (name, start) => {
      if (tracer !== undefined) return tracer(name, start);
      const parent = parseTraceparent(start.traceparent);
      const span = createNotedSpan(
        name,
        start,
        { context: childContext(parent), startedAt: now() },
        now,
      );
      if (noted !== undefined && noted.length < limit) noted.push(span);
      return span;
    },
    adopt: (startSpan) => {
      tracer = startSpan;
      for (const span of noted ?? []) span.adopt(startSpan);
      noted = undefined;
    },
    abandon: () => {
      noted = undefined;
    },
  };
}

interface NotedSpan extends TelemetrySpan {
  adopt(startSpan: StartSpan): void;
}

function createNotedSpan(
  name: string,
  start: SpanStart,
  birth: SpanBirth,
  now: () => number,
): NotedSpan {
  let real: SdkSpan | undefined;
  const later: ((span: SdkSpan) => void)[] = [];
  const act = (action: (span: SdkSpan) => void): void => {
    if (real === undefined) later.push(action);
    else action(real);
  };
  return {
    traceparent: traceparentOf(birth.context),
    set: (attributes: TelemetryAttributes) => act((span) => span.set(attributes)),
    rename: (text) => act((span) => span.rename(text)),
    fail: (thrown) => act((span) => span.fail(thrown)),
    end: () => {
      const at = now();
      act((span) => span.end(at));
    },
    adopt: (startSpan) => {
      real = startSpan(name, start, birth);
      for (const action of later) action(real);
    },
  };
}

const wallClock = (): number => performance.timeOrigin + performance.now();
