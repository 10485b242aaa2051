import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { FunctionEntry } from '../../../knative/catalogue.ts';
import type { CloudEvent } from '../../lib/cloud-event.ts';
import { CloverError } from '../../lib/errors.ts';
import { attributesOf } from '../cloud-event-attributes.ts';
import { cannotOpen } from '../problem.ts';
import { isoDurationMs } from './back-off.ts';
import {
  fromWire,
  toWire,
  type BrokerCounters,
  type Call,
  type DeadLetter,
  type DeliverMessage,
  type FromWorker,
  type Mark,
  type Outcome,
  type QueueLimits,
  type Reply,
  type ToWorker,
} from './messages.ts';
import { routesOf, tickRoute } from './routes.ts';

/** One delivery, to be answered like an HTTP request. */
export interface DeliveryRequest {
  readonly function: string;
  readonly event: CloudEvent;
  /** Name of the trigger, or `schedule/<name>`. */
  readonly route: string;
  /** From 1. */
  readonly attempt: number;
  /** Milliseconds that the function has. */
  readonly timeoutMs: number;
}

/** Makes a delivery; never rejects. */
export type Deliver = (delivery: DeliveryRequest) => Promise<Outcome>;

/** Options of {@link createBroker}. */
export interface BrokerOptions {
  /** The database file; only one process may have it open. */
  readonly path: string;
  /** The functions of this process; their triggers and schedules are served. */
  readonly entries: readonly FunctionEntry[];
  /** The worker thread died: nothing is accepted or delivered any more, the process should end. */
  readonly onFatal: (error: unknown) => void;
  readonly log: Logger;
  readonly limits?: QueueLimits;
}

/** At-least-once delivery of events to triggers, through a durable queue. */
export interface Broker {
  /** Begins to deliver; until then events are taken only. */
  start(deliver: Deliver): Promise<void>;
  /**
   * Takes the event for every matching trigger; resolves after the durable commit. The mark is
   * stored in the same commit.
   * @throws CloverError CLV_OVERLOADED when the queue is full, CLV_EVENT_INVALID.
   */
  publish(event: CloudEvent, mark?: Mark): Promise<void>;
  /**
   * Takes a tick for a schedule.
   * @param at start of the period, Unix ms.
   * @returns false when a tick still waits, or this period had its tick already.
   */
  tick(schedule: string, at: number, event: CloudEvent): Promise<boolean>;
  /** The value of a mark. */
  mark(key: string): Promise<string | undefined>;
  /** Stores a mark without an event. */
  setMark(mark: Mark): Promise<void>;
  /** Newest first. */
  deadLetters(limit?: number): Promise<readonly DeadLetter[]>;
  counters(): Promise<BrokerCounters>;
  /** Delivers nothing new; resolves when nothing is in flight. Events are still taken. */
  drain(): Promise<void>;
  /** Commits what was taken and closes the database. */
  close(): Promise<void>;
}

const defaultLimits: QueueLimits = {
  deliveries: 50_000,
  bytes: 256 * 1024 * 1024,
  deadLetters: 10_000,
};
const overloadedRetrySeconds = 5;

/**
 * Starts the worker thread and opens the queue.
 * @throws CloverError CLV_FILTER_INVALID when a trigger has a bad filter.
 */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { path, entries, onFatal, log, limits = defaultLimits } = options;
  const routes = routesOf(entries);
  const byName = new Map(routes.map((route) => [route.name, route]));
  const waiting = new Map<number, PromiseWithResolvers<Reply>>();
  const worker = new Worker(new URL('worker.ts', import.meta.url));
  let calls = 0;
  let ended: Error | undefined;
  let deliver: Deliver | undefined;

  const send = (message: ToWorker): void => worker.postMessage(message, []);
  const ask = async (request: Call): Promise<Reply> => {
    if (ended !== undefined) throw new CloverError('CLV_INTERNAL', ended.message);
    const call = (calls += 1);
    const pending = Promise.withResolvers<Reply>();
    waiting.set(call, pending);
    send({ op: 'call', call, request });
    const reply = await pending.promise;
    if (reply.error !== undefined) throw new CloverError('CLV_INTERNAL', `broker: ${reply.error}`);
    return reply;
  };

  const handle = async ({
    delivery,
    route: name,
    attempt,
    event,
  }: DeliverMessage): Promise<void> => {
    const route = byName.get(name);
    if (route === undefined || deliver === undefined) throw new Error(`nobody takes ${name}`);
    const outcome = await deliver({
      function: route.function,
      event: fromWire(event),
      route: name,
      attempt,
      timeoutMs: isoDurationMs(route.delivery.timeout),
    });
    send({ op: 'settle', delivery, outcome });
  };

  const end = (error: Error): void => {
    ended ??= error;
    for (const pending of waiting.values()) pending.reject(error);
    waiting.clear();
  };
  worker.on('message', (message: FromWorker) => {
    if (message.op === 'deliver') {
      handle(message).catch((error: unknown) => onFatal(error));
      return;
    }
    waiting.get(message.call)?.resolve(message);
    waiting.delete(message.call);
  });
  worker.on('error', (error: unknown) => {
    log.fatal({ err: error }, 'the broker thread died');
    end(error instanceof Error ? error : new Error(String(error)));
    onFatal(error);
  });
  worker.on('exit', () => end(new Error('the broker is closed')));

  try {
    await ask({ op: 'open', input: { path, routes, limits } });
  } catch (error) {
    await worker.terminate();
    throw cannotOpen(path, error);
  }

  return {
    start: async (deliverTo) => {
      deliver = deliverTo;
      await ask({ op: 'start' });
    },
    publish: async (event, mark) => {
      // Checked on this side, so that one bad event cannot spoil the commit of others.
      attributesOf(event);
      const marked = mark === undefined ? {} : { mark };
      const { accepted } = await ask({ op: 'publish', event: toWire(event), ...marked });
      if (accepted !== true) {
        throw new CloverError('CLV_OVERLOADED', 'the queue of the broker is full', {
          retryAfter: overloadedRetrySeconds,
        });
      }
    },
    tick: async (schedule, at, event) => {
      attributesOf(event);
      const route = tickRoute(schedule);
      const mark = { key: route, value: String(at) };
      const { accepted } = await ask({ op: 'tick', route, event: toWire(event), mark });
      return accepted === true;
    },
    mark: async (key) => (await ask({ op: 'mark', key })).mark,
    setMark: async (mark) => {
      await ask({ op: 'setMark', mark });
    },
    deadLetters: async (limit = 100) => {
      const { deadLetters = [] } = await ask({ op: 'deadLetters', limit });
      return deadLetters.map((letter) =>
        Object.assign({}, letter, { event: fromWire(letter.event) }),
      );
    },
    counters: async () => {
      const { counters } = await ask({ op: 'counters' });
      if (counters === undefined) throw new Error('the broker gave no counters');
      return counters;
    },
    drain: async () => {
      await ask({ op: 'drain' });
    },
    close: async () => {
      if (ended === undefined) await ask({ op: 'close' });
      await worker.terminate();
    },
  };
}
