import type { Logger } from 'pino';
import type { FunctionEntry } from '../../../knative/catalogue.ts';
import type { DeadLetter } from '../../dead-letters/dead-letter-admin.ts';
import type { CloudEvent } from '../../lib/cloud-event.ts';
import { CloverError } from '../../lib/errors.ts';
import { attributesOf } from '../cloud-event-attributes.ts';
import { asCloverError, cannotOpen } from '../problem.ts';
import type { BrokerAdmin } from './admin.ts';
import { seal, ttlOnArrival, unseal, withError, withoutTtl } from './envelope.ts';
import { createMatcher } from './matcher.ts';
import type {
  BrokerCounters,
  DeliverMessage,
  Mark,
  Outcome,
  Posted,
  QueueLimits,
  Settlement,
  StoredDeadLetter,
} from './messages.ts';
import { routesOf, tickRoute } from './routes.ts';
import { createTail } from './tail.ts';
import { startThread } from './thread.ts';

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

/**
 * Makes a delivery; never rejects, and answers 504 by itself when `timeoutMs` is over. What the function does
 * after that is not heard.
 */
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
  readonly limits?: Partial<QueueLimits>;
}

/** At-least-once delivery of events to triggers, through a durable queue. */
export interface Broker extends BrokerAdmin {
  /** Begins to deliver; until then events are taken only. */
  start(deliver: Deliver): Promise<void>;
  /**
   * Takes the event for every matching trigger; resolves after the durable commit. The marks are
   * stored in the same commit.
   * @throws CloverError CLV_OVERLOADED when the queue is full, CLV_EVENT_INVALID, CLV_BODY_TOO_LARGE.
   */
  publish(event: CloudEvent, marks?: readonly Mark[]): Promise<void>;
  /**
   * Takes a tick for a schedule.
   * @param at start of the period, Unix ms.
   * @returns false when a tick still waits, or this period had its tick already.
   */
  tick(schedule: string, at: number, event: CloudEvent): Promise<boolean>;
  /** The value of a mark. */
  mark(key: string): Promise<string | undefined>;
  /** Marks whose keys begin so. */
  marks(prefix: string): Promise<readonly Mark[]>;
  /** Stores a mark without an event. */
  setMark(mark: Mark): Promise<void>;
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
  deadLetterBytes: 256 * 1024 * 1024,
  fileBytes: 1024 * 1024 * 1024,
};
const overloadedRetrySeconds = 5;

/**
 * Starts the worker thread and opens the queue.
 * @throws CloverError CLV_FILTER_INVALID when a trigger has a bad filter; CLV_CONFIG_INVALID when it has a bad
 *   delivery, and when the file cannot be opened.
 */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { path, entries, onFatal, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const routes = routesOf(entries);
  const byName = new Map(
    routes.map((route) => [
      route.name,
      { function: route.function, timeoutMs: route.delivery.timeoutMs },
    ]),
  );
  const match = createMatcher(routes);
  const tail = createTail();
  const show = (event: CloudEvent): void => tail.push(event, () => withoutTtl(attributesOf(event)));
  let ttlDrops = 0;
  let deliver: Deliver | undefined;

  const thread = startThread({
    onDeliver: (message) => {
      handle(message).catch(onFatal);
    },
    onWarning: (message) => log.warn(message),
    onFatal: (error) => {
      log.fatal({ err: error }, 'the broker thread died');
      onFatal(error);
    },
  });

  /**
   * The event for the routes that it matches; without any when it has no hops left.
   * @throws CloverError CLV_EVENT_INVALID, CLV_BODY_TOO_LARGE: here, so that one bad event cannot spoil the commit of others.
   */
  const post = (event: CloudEvent, ttl: number): Posted => {
    const attributes = withoutTtl(attributesOf(event));
    const sealed = seal(attributes, event.data, ttl);
    if (ttl <= 0) ttlDrops += 1;
    return { ...sealed, routes: ttl <= 0 ? [] : match(attributes) };
  };

  /** Makes a delivery. A row that cannot be delivered is its own affair, and not the end of the process. */
  const attemptOf = async (message: DeliverMessage, to: Deliver): Promise<Attempted> => {
    const { delivery, route: name, attempt, ...envelope } = message;
    const route = byName.get(name);
    try {
      if (route === undefined) throw new Error(`there is no route ${name}`);
      const { event, ttl } = unseal(envelope);
      const { reply, ...outcome } = await to({ ...route, event, route: name, attempt });
      if (reply === undefined) return { settlement: { delivery, outcome } };
      try {
        return { settlement: { delivery, outcome, reply: post(reply, ttl - 1) }, reply };
      } catch (error) {
        return { settlement: { delivery, outcome: badReply(error) } };
      }
    } catch (error) {
      log.error({ err: error, route: name, attempt }, 'a row cannot be delivered');
      const { status, message: why } = asCloverError(error);
      return { settlement: { delivery, outcome: { status, message: why } } };
    }
  };

  const handle = async (message: DeliverMessage): Promise<void> => {
    if (deliver === undefined) throw new Error('the broker was not started');
    const { settlement, reply } = await attemptOf(message, deliver);
    // It is never refused for good; when the thread ends, the row is found as left out.
    const { accepted } = await thread
      .ask({ op: 'settle', ...settlement })
      .catch(() => ({ accepted: false }));
    if (reply !== undefined && accepted === true) show(reply);
  };

  try {
    const { unopened } = await thread.ask({ op: 'open', input: { path, routes, limits } });
    if (unopened !== undefined) throw cannotOpen(path, unopened);
  } catch (error) {
    await thread.terminate();
    throw error;
  }

  return {
    start: async (deliverTo) => {
      deliver = deliverTo;
      await thread.ask({ op: 'start' });
    },
    publish: async (event, marks = []) => {
      const posted = post(event, ttlOnArrival(event));
      if (posted.routes.length > 0 || marks.length > 0) {
        const { accepted } = await thread.ask({ op: 'publish', posted, marks });
        if (accepted !== true) throw full();
      }
      show(event);
    },
    tick: async (schedule, at, event) => {
      const route = tickRoute(schedule);
      const posted = { ...post(event, ttlOnArrival(event)), routes: [route] };
      const mark = { key: route, value: String(at) };
      const { accepted } = await thread.ask({ op: 'tick', posted, mark });
      if (accepted === true) show(event);
      return accepted === true;
    },
    mark: async (key) => (await thread.ask({ op: 'mark', key })).mark,
    marks: async (prefix) => (await thread.ask({ op: 'marks', prefix })).marks ?? [],
    setMark: async (mark) => {
      await thread.ask({ op: 'setMark', mark });
    },
    deadLetters: async (query) => {
      const { deadLetters = [] } = await thread.ask({ op: 'deadLetters', query });
      return deadLetters.map(letterOf);
    },
    deadLetter: async (id) => {
      const { deadLetters = [] } = await thread.ask({ op: 'deadLetter', id });
      return deadLetters.map(letterOf)[0];
    },
    replayDeadLetter: async (id) => {
      const { replayed } = await thread.ask({ op: 'replayDeadLetter', id });
      if (replayed === 'full') throw full();
      if (replayed === 'gone') {
        throw new CloverError('CLV_CONFLICT', `the trigger of dead letter ${id} does not exist`);
      }
      return replayed === 'replayed';
    },
    dropDeadLetter: async (id) =>
      (await thread.ask({ op: 'dropDeadLetter', id })).accepted === true,
    tail: (signal, filter) => tail.read(signal, filter),
    counters: async () => {
      const { counters } = await thread.ask({ op: 'counters' });
      if (counters === undefined) throw new Error('the broker gave no counters');
      const { dropped, drops } = counters;
      return Object.assign({}, counters, {
        dropped: dropped + ttlDrops,
        drops: { ...drops, ttl: ttlDrops },
      });
    },
    drain: async () => {
      await thread.ask({ op: 'drain' });
    },
    close: async () => {
      tail.close();
      if (!thread.ended()) await thread.ask({ op: 'close' });
      await thread.terminate();
    },
  };
}

const full = (): CloverError =>
  new CloverError('CLV_OVERLOADED', 'the queue of the broker is full', {
    retryAfter: overloadedRetrySeconds,
  });

interface Attempted {
  readonly settlement: Settlement;
  /** The reply that the settlement has. */
  readonly reply?: CloudEvent;
}

/** A reply that the broker cannot take is 502, as Knative's filter answers, and so a failed attempt. */
function badReply(error: unknown): Outcome {
  return { status: 502, message: `the reply cannot be taken: ${String(error)}` };
}

function letterOf({ data, header, error, ...letter }: StoredDeadLetter): DeadLetter {
  return { ...letter, event: unseal({ header: withError({ header, error }), data }).event };
}
