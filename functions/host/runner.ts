import type { FunctionEntry } from '../../knative/catalogue.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import type { Log } from '../lib/log.ts';
import { Slots } from '../lib/slots.ts';
import type { Admission } from './admission.ts';
import type { DeliveryRequest } from './broker/broker.ts';
import type { Outcome } from './broker/messages.ts';
import { checkNames } from './check-names.ts';
import { emitAsOwn } from './emit-as-own.ts';
import type { EventHandler } from './event-handler.ts';
import type { CloverFunction } from './function.ts';
import { handlerEvent } from './handler-event.ts';
import { inTrace } from './in-trace.ts';
import type { EmitEvent } from './invocation.ts';
import { invoke, type Running } from './invoke.ts';
import { asCloverError } from './problem.ts';
import { noTelemetry, type Telemetry } from './telemetry.ts';
import { traceFields } from './telemetry/span-context.ts';
import { createInvocationTracer, type InvocationFacts } from './telemetry/trace-invocation.ts';

/** Options of {@link createRunner}. */
export interface RunnerOptions {
  readonly functions: readonly CloverFunction[];
  readonly catalogue: readonly FunctionEntry[];
  readonly log: Log;
  /** Direct invocations of one function at the same time. */
  readonly concurrency?: number;
  /** Milliseconds that a direct invocation has. */
  readonly deadlineMs?: number;
  /** Where the events go that handlers send. */
  readonly emit: EmitEvent;
  readonly telemetry?: Telemetry;
  /** Which direct events a function takes. Default: those that it has a handler for. */
  readonly admission?: (entry: FunctionEntry) => Admission;
}

/** The request that brings an event. */
export interface EventRequest {
  /** Reads the event; called if the function has room for it. */
  readonly read: () => Promise<CloudEvent>;
  readonly log: () => Log;
  /** W3C trace context of the request. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** Who waits for the reply, until that is closed; absent: nobody. */
  readonly exchange?: { readonly isClosed: boolean };
  /** Given what aborts the handler's signal, when that begins. */
  readonly onBegin?: (interrupt: (reason: CloverError) => void) => void;
  /** Called when nothing holds the event any more: the handler has really ended, or never began. */
  readonly onEnd?: () => void;
}

/** A function with its entry of the catalogue. */
export interface Deployed {
  readonly fn: CloverFunction;
  readonly entry: FunctionEntry;
}

/** Runs the functions of one process. */
export interface Runner {
  readonly deployed: readonly Deployed[];
  /**
   * A direct invocation; resolves with the reply. The event is read if the function has room for it, and takes its
   * place once it is whole: by then there may be none.
   * @throws CloverError CLV_NOT_FOUND, CLV_EVENT_INVALID for a type that is not the function's,
   *   CLV_OVERLOADED, CLV_DEADLINE_EXCEEDED, CLV_HANDLER_EVENT_INVALID for a bad reply, and what the function throws.
   */
  post(name: string, request: EventRequest): Promise<CloudEvent | undefined>;
  /**
   * Where the events go that handlers send.
   * @throws CloverError CLV_EMIT_REFUSED, CLV_OVERLOADED.
   */
  readonly emit: EmitEvent;
  /** A delivery of the broker. */
  deliver(delivery: DeliveryRequest): Promise<Outcome>;
  /** Handlers that have not ended and that no open request waits for: each of those is counted as a request. */
  unawaited(): number;
  /** Direct events of a function that were turned away before its handler, cumulative. */
  rejected(name: string): number;
  /** Aborts every handler that still runs, and refuses all events from then on: CLV_OVERLOADED. */
  abort(): void;
  /** Closes every function, whatever another one's close says. */
  close(): Promise<void>;
}

/**
 * @throws CloverError CLV_CONFIG_INVALID when a function is not in the catalogue, or anything is there twice, and what
 *   `admission` throws.
 */
export function createRunner(options: RunnerOptions): Runner {
  const { functions, catalogue, log, concurrency = 32, deadlineMs = 30_000 } = options;
  const { telemetry = noTelemetry } = options;
  const emit = emitAsOwn(options.emit);
  const tracer = createInvocationTracer(telemetry);
  const running = new Slots<Held>();
  checkNames(functions, catalogue);
  const deployed = functions.map((fn) => ({ fn, entry: entryOf(fn, catalogue) }));
  const byName = new Map(
    deployed.map(({ fn, entry }) => [
      fn.name,
      {
        fn,
        entry,
        admit: options.admission?.(entry),
        handlers: new Map((fn.handlers ?? []).map((handler) => [handler.type, handler])),
        direct: 0,
        rejected: 0,
      },
    ]),
  );

  const find = (name: string) => {
    const found = byName.get(name);
    if (found === undefined) throw notFound(name);
    return found;
  };
  const turnAway = (target: Target & { rejected: number }, error: unknown): void => {
    target.rejected += 1;
    const labels = { 'faas.name': target.fn.name, 'error.type': asCloverError(error).code };
    telemetry.count('clover.function.rejected', 1, labels);
  };
  let isStopped = false;
  const checkGoing = (): void => {
    if (isStopped) throw stopping();
  };
  const checkRoom = ({ fn, direct }: Target & { direct: number }): void => {
    checkGoing();
    if (direct < concurrency) return;
    const message = `${fn.name} has ${concurrency} events in hand`;
    throw new CloverError('CLV_TOO_MANY_REQUESTS', message, { retryAfter: 1 });
  };
  const work = async (
    { fn, handlers }: Target,
    facts: InvocationFacts,
    logOf: () => Log,
    { deadlineMs: limit, exchange, onBegin, onEnd }: Bounds,
  ): Promise<CloudEvent | undefined> => {
    const { event } = facts;
    const handler = handlers.get(event.type);
    if (handler === undefined) {
      onEnd();
      const message = `must be one of: ${[...handlers.keys()].sort().join(', ')}`;
      throw new CloverError('CLV_EVENT_INVALID', `${fn.name} has no handler of ${event.type}`, {
        details: [{ field: 'type', message }],
      });
    }
    const traced = tracer.begin(facts);
    const { context } = traced;
    const invocation = invoke(handler, event, {
      name: fn.name,
      deadlineMs: limit,
      log: () => bind(logOf(), fn.name, event, context?.traceparent),
      emit: async (sent) => {
        await emit(inTrace(handlerEvent(sent, `what ${fn.name} emits`), context));
      },
      onEnd: () => {
        running.take(place);
        onEnd();
      },
    });
    const place = running.add({ invocation, exchange });
    onBegin?.(invocation.interrupt);
    try {
      const answer = await invocation.reply;
      const reply =
        answer === undefined ? undefined : handlerEvent(answer, `the reply of ${fn.name}`);
      traced.end();
      return reply === undefined ? undefined : inTrace(reply, context);
    } catch (error) {
      traced.end({ error });
      throw error;
    }
  };

  return {
    deployed,
    emit,
    post: async (name, request) => {
      const target = byName.get(name);
      if (target === undefined) {
        request.onEnd?.();
        throw notFound(name);
      }
      let event: CloudEvent;
      try {
        checkRoom(target);
        event = await request.read();
        target.admit?.(event);
        // Only now it takes a slot: however slowly bodies come in, they keep no handler from others.
        checkRoom(target);
      } catch (error) {
        request.onEnd?.();
        turnAway(target, error);
        throw error;
      }
      target.direct += 1;
      const onEnd = (): void => {
        target.direct -= 1;
        request.onEnd?.();
      };
      const { traceparent, tracestate } = request;
      const facts = { trigger: 'http', function: name, event, traceparent, tracestate } as const;
      const { exchange, onBegin } = request;
      return work(target, facts, request.log, { deadlineMs, exchange, onBegin, onEnd });
    },
    deliver: async ({ function: name, event, route, attempt, timeoutMs }) => {
      const bound = (): Log => log.child({ route, attempt });
      const trigger = route.startsWith('schedule/') ? 'timer' : 'pubsub';
      try {
        checkGoing();
        const target = find(name);
        const limits = { deadlineMs: timeoutMs, onEnd: () => undefined };
        const facts = { trigger, function: name, event, route, attempt } as const;
        const reply = await work(target, facts, bound, limits);
        return { status: 200, message: '', ...(reply === undefined ? {} : { reply }) };
      } catch (error) {
        bind(bound(), name, event, event.extensions['traceparent']).warn(
          { err: error },
          'delivery failed',
        );
        const { status, message, retryAfter } = asCloverError(error);
        return {
          status,
          message,
          ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter * 1_000 }),
        };
      }
    },
    unawaited: () => [...running].filter(({ exchange }) => exchange?.isClosed ?? true).length,
    rejected: (name) => find(name).rejected,
    abort: () => {
      isStopped = true;
      for (const { invocation } of running) invocation.abort(stopping());
    },
    close: async () => {
      await Promise.all(deployed.map(({ fn }) => closeOne(fn, log)));
    },
  };
}

const stopping = (): CloverError => new CloverError('CLV_OVERLOADED', 'the host stops');

function notFound(name: string): CloverError {
  return new CloverError('CLV_NOT_FOUND', `there is no function ${excerpt(name)}`);
}

function entryOf(fn: CloverFunction, catalogue: readonly FunctionEntry[]): FunctionEntry {
  const entry = catalogue.find((candidate) => candidate.name === fn.name);
  if (entry === undefined) {
    throw new CloverError('CLV_CONFIG_INVALID', `function ${fn.name} is not in the catalogue`);
  }
  return entry;
}

interface Held {
  readonly invocation: Running;
  readonly exchange: EventRequest['exchange'];
}

interface Bounds {
  readonly deadlineMs: number;
  readonly exchange?: EventRequest['exchange'];
  readonly onBegin?: EventRequest['onBegin'] | undefined;
  readonly onEnd: () => void;
}

interface Target {
  readonly fn: CloverFunction;
  readonly handlers: ReadonlyMap<string, EventHandler>;
}

async function closeOne(fn: CloverFunction, log: Log): Promise<void> {
  try {
    await fn.close?.();
  } catch (error) {
    log.error({ err: error, function: fn.name }, 'a function did not close');
  }
}

function bind(log: Log, name: string, event: CloudEvent, traceparent?: string): Log {
  const { id, source, type } = event;
  return log.child({
    function: name,
    event: { id, source, type },
    ...traceFields(traceparent),
  });
}
