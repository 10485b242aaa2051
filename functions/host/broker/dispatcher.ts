import type { CloudEvent } from '../../lib/cloud-event.ts';
import { attributesOf } from '../cloud-event-attributes.ts';
import { backOffMs, decide } from './back-off.ts';
import { passes } from './filters.ts';
import type { BrokerCounters, DeliverMessage, Mark, Outcome, Route } from './messages.ts';
import { toWire } from './messages.ts';
import type { Queue } from './queue.ts';

/** Options of {@link createDispatcher}. */
export interface DispatcherOptions {
  readonly queue: Queue;
  readonly routes: readonly Route[];
  /** Unix ms. */
  readonly now: () => number;
  readonly deliver: (message: DeliverMessage) => void;
}

/** Decides which row goes out when, and what its outcome changes. Changes rows inside the caller's transaction. */
export interface Dispatcher {
  /** Stores the event for every route whose filter it matches; false when the queue is full. */
  publish(event: CloudEvent, mark?: Mark): boolean;
  /** Stores a tick unless one waits or that period had its tick. */
  tick(route: string, event: CloudEvent, mark: Mark): boolean;
  /** Changes the row as its outcome says. It counts as in flight until released. */
  settle(delivery: number, outcome: Outcome): void;
  /** To be called once the transaction of `settle` is committed. */
  release(delivery: number): void;
  /** Sends what is due, as far as the routes have room; returns when to come again, Unix ms. */
  pump(): number | undefined;
  /** Begins to send. */
  start(): void;
  /** Stops sending. */
  drain(): void;
  inFlight(): number;
  counters(): BrokerCounters;
}

/** After a crash all that was in flight goes out again, and counts as one failed attempt. */
export function createDispatcher({ queue, routes, now, deliver }: DispatcherOptions): Dispatcher {
  const byName = new Map(routes.map((route) => [route.name, route]));
  const inFlight = new Map<number, string>();
  const counts = { delivered: 0, retried: 0, dropped: 0 };
  let sending = false;

  const bury = (id: number, destination: string, outcome: Outcome): void => {
    counts.dropped += queue.bury(id, destination, outcome, now());
  };

  const settle = (route: Route, id: number, outcome: Outcome): void => {
    const { failed } = queue.load(id);
    const decision = decide(outcome.status);
    if (decision === 'done') {
      queue.remove(id);
      counts.delivered += 1;
    } else if (decision === 'retry' && failed < route.delivery.retry) {
      const wait = Math.max(backOffMs(route.delivery, failed + 1), outcome.retryAfterMs ?? 0);
      queue.postpone(id, now() + wait);
      counts.retried += 1;
    } else if (route.keepsDead) {
      bury(id, `/functions/${route.function}`, outcome);
    } else {
      queue.remove(id);
      counts.dropped += 1;
    }
  };

  queue.transaction(() => {
    // The clock may have been set back since they were written.
    queue.hasten(now());
    // What was being handled when the process ended may be what ended it: that was an attempt.
    for (const id of queue.leftOut()) {
      const route = byName.get(queue.load(id).route);
      const message = 'the process ended while it was handled';
      if (route !== undefined) settle(route, id, { status: 500, message });
    }
    // Rows of triggers that the catalogue does not have any more would wait for ever.
    for (const name of queue.routes().filter((stored) => !byName.has(stored))) {
      for (const { id } of queue.head(name, Number.MAX_SAFE_INTEGER)) {
        bury(id, `/triggers/${name}`, {
          status: 404,
          message: 'the trigger does not exist any more',
        });
      }
    }
  });

  const pumpRoute = (route: Route, running: number, out: DeliverMessage[]): number | undefined => {
    let free = route.concurrency - running;
    // At most `running` of the first rows are out already, so this many show every free one.
    for (const { id, due } of free > 0 ? queue.head(route.name, route.concurrency + 1) : []) {
      if (inFlight.has(id)) continue;
      if (due > now()) return due;
      if (free === 0) return undefined;
      const { failed, event } = queue.load(id);
      inFlight.set(id, route.name);
      out.push({
        op: 'deliver',
        delivery: id,
        route: route.name,
        attempt: failed + 1,
        event: toWire(event),
      });
      free -= 1;
    }
    return undefined;
  };

  return {
    publish: (event, mark) => {
      const attributes = attributesOf(event);
      const matching = routes
        .filter(({ filter }) => filter !== undefined && passes(filter, attributes))
        .map(({ name }) => name);
      if (matching.length > 0 && !queue.add(matching, event, now())) return false;
      if (mark !== undefined) queue.setMark(mark);
      return true;
    },
    tick: (route, event, mark) => {
      // Not "or a later one": the clock may have been set back.
      if (queue.has(route) || mark.value === queue.mark(mark.key)) return false;
      if (!queue.add([route], event, now())) return false;
      queue.setMark(mark);
      return true;
    },
    settle: (id, outcome) => {
      const route = byName.get(inFlight.get(id) ?? '');
      if (route !== undefined) settle(route, id, outcome);
    },
    release: (id) => {
      inFlight.delete(id);
    },
    pump: () => {
      if (!sending) return undefined;
      const running = new Map<string, number>();
      for (const name of inFlight.values()) running.set(name, (running.get(name) ?? 0) + 1);
      const out: DeliverMessage[] = [];
      const wakes = routes.map((route) => pumpRoute(route, running.get(route.name) ?? 0, out));
      try {
        queue.sendOut(out.map(({ delivery }) => delivery));
      } catch {
        // A full disk: what cannot be noted is delivered all the same, its outcome is kept and tried again.
      }
      for (const message of out) deliver(message);
      const next = Math.min(...wakes.filter((wake) => wake !== undefined));
      return Number.isFinite(next) ? next : undefined;
    },
    start: () => {
      sending = true;
    },
    drain: () => {
      sending = false;
    },
    inFlight: () => inFlight.size,
    counters: () => {
      const { deliveries, dead } = queue.depth();
      return { depth: deliveries, dead, ...counts };
    },
  };
}
