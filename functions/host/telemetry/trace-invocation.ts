import type { CloudEvent } from '../../lib/cloud-event.ts';
import { traceContextOf, type TraceContext } from '../../lib/trace-context.ts';
import { monotonicMs } from '../../lib/monotonic.ts';
import { asCloverError } from '../problem.ts';
import { noTelemetry, type Telemetry } from '../telemetry.ts';

/** What calls a function: a direct request, a trigger of the broker, a schedule. */
export type FaasTrigger = 'http' | 'pubsub' | 'timer';

/** What is known of an invocation before it runs. */
export interface InvocationFacts {
  readonly function: string;
  readonly trigger: FaasTrigger;
  readonly event: CloudEvent;
  /** Name of the trigger or schedule. */
  readonly route?: string;
  /** From 1. */
  readonly attempt?: number;
  /** W3C headers of the request that brought the event; without them the event's own extension counts. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** An invocation that is being measured. */
export interface TracedInvocation {
  /** W3C trace context of the invocation, for its log and for the events that it makes; undefined without any. */
  readonly context: TraceContext | undefined;
  /** Called once, with the error if there was one. */
  end(outcome?: { readonly error: unknown }): void;
}

/** Measures invocations of one process, by the semantic conventions for FaaS and CloudEvents. */
export interface InvocationTracer {
  begin(facts: InvocationFacts): TracedInvocation;
}

/** The first invocation that it sees is the cold one. */
export function createInvocationTracer(telemetry: Telemetry): InvocationTracer {
  let cold = true;
  return {
    begin(facts) {
      const { event, trigger, route, attempt } = facts;
      const { extensions } = event;
      // The request's header is the hop, the event's extension where it began; a header that is no trace context is none.
      const parent = traceContextOf(facts) ?? traceContextOf(extensions);
      if (telemetry === noTelemetry) return { context: parent, end: () => undefined };
      const labels = { 'faas.name': facts.function, 'faas.trigger': trigger };
      const span = telemetry.span(`CloudEvents Process ${event.type}`, {
        kind: 'consumer',
        traceparent: parent?.traceparent,
        tracestate: parent?.tracestate,
        attributes: {
          ...labels,
          'faas.coldstart': cold,
          'cloudevents.event_id': event.id,
          'cloudevents.event_source': event.source,
          'cloudevents.event_spec_version': event.specversion,
          'cloudevents.event_type': event.type,
          ...(event.subject === undefined ? {} : { 'cloudevents.event_subject': event.subject }),
          ...(route === undefined ? {} : { 'messaging.destination.subscription.name': route }),
          ...(attempt === undefined ? {} : { 'clover.delivery.attempt': attempt }),
        },
      });
      cold = false;
      const began = monotonicMs();
      const { traceparent } = span;
      return {
        context: traceparent === undefined ? parent : { ...parent, traceparent },
        end: (outcome) => {
          telemetry.record('faas.invoke_duration', (monotonicMs() - began) / 1_000, labels);
          if (outcome === undefined) {
            telemetry.count('faas.invocations', 1, labels);
          } else {
            const { error } = outcome;
            const { code } = asCloverError(error);
            telemetry.count('faas.errors', 1, { ...labels, 'error.type': code });
            span.set({ 'error.type': code });
            span.fail(error instanceof Error ? error : new Error(String(error)));
          }
          span.end();
        },
      };
    },
  };
}
