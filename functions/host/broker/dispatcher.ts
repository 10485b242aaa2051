import { decide, waitMs } from './back-off.ts';
import { failedHeader } from './envelope.ts';
import type {
  BrokerCounters,
  DeliverMessage,
  Mark,
  Outcome,
  Posted,
  Replayed,
  Route,
  Settlement,
} from './messages.ts';
import { isTickRoute } from './routes.ts';
import type { Queue, StoredDelivery, Suspect, Ticket } from './queue.ts';

/** Options of {@link createDispatcher}. */
export interface DispatcherOptions {
  readonly queue: Queue;
  readonly routes: readonly Route[];
  /** Unix ms. */
  readonly now: () => number;
}

/**
 * Decides which row goes out when, and what its outcome changes. All but `committed` and `rolledBack` belong
 * into the caller's transaction, and one of these two has to follow it.
 */
export interface Dispatcher {
  /** Stores the event for its routes; false when the queue is full. */
  publish(posted: Posted, marks?: readonly Mark[]): boolean;
  /** Stores a tick unless one waits or that period had its tick. */
  tick(posted: Posted, mark: Mark): boolean;
  /**
   * Changes the row as its outcome says. A reply that finds no room makes the attempt a failed one.
   * @returns whether the reply was stored.
   */
  settle(settlement: Settlement): boolean;
  /** Lets a dead letter start anew for its own trigger. */
  replay(id: number): Replayed;
  /** Takes what is due, as far as the routes have room; returns when to come again, Unix ms. */
  pump(): number | undefined;
  /** What is to be delivered now. */
  committed(): readonly DeliverMessage[];
  rolledBack(): void;
  /** Begins to send. */
  start(): void;
  /** Stops sending. */
  drain(): void;
  inFlight(): number;
  counters(): BrokerCounters;
}

const tallied = ['delivered', 'retried', 'replied', 'ttl', 'evicted', 'tick', 'gone'] as const;

type Tally = Record<(typeof tallied)[number], number>;

const noTally = (): Tally => ({
  delivered: 0,
  retried: 0,
  replied: 0,
  ttl: 0,
  evicted: 0,
  tick: 0,
  gone: 0,
});

/** So many crashes in a row make a suspect go out alone. */
const crashesToBeAlone = 3;
const goesAlone = ({ crashes }: Suspect): boolean => crashes >= crashesToBeAlone;

/**
 * After a crash all that was in flight goes out again, and counts as one failed attempt. What was in flight in two
 * crashes in a row is a suspect: suspects go out one at a time, while everything else flows. The one that was out
 * in the next crash too goes out alone: if the process ends again, it was that row, and no other one pays for it.
 * So nothing is held up for more rows than there were such crashes, however many were out in the first two.
 */
export function createDispatcher({ queue, routes, now }: DispatcherOptions): Dispatcher {
  const byName = new Map(routes.map((route) => [route.name, route]));
  const inFlight = new Map<number, Ticket>();
  const running = new Map(routes.map(({ name }) => [name, 0]));
  const tally = noTally();
  let sending = false;
  /** Whether there may be suspects: they come to be at the start only. */
  let suspects = true;
  /** The suspect that is out. */
  let suspect: Suspect | undefined;
  // What the open transaction makes true once it is committed.
  let settled: Ticket[] = [];
  let taken: StoredDelivery[] = [];
  let takenSuspect: Suspect | undefined;
  let changes = noTally();

  const move = (route: string, by: number): void => {
    running.set(route, (running.get(route) ?? 0) + by);
  };

  const committed = (): readonly DeliverMessage[] => {
    for (const { id } of settled) {
      inFlight.delete(id);
      // As any other from now on: if it failed, it may be out again.
      if (id === suspect?.id) suspect = undefined;
    }
    suspect = takenSuspect ?? suspect;
    for (const { id, route, failed, event, size } of taken) {
      inFlight.set(id, { id, route, failed, event, size });
    }
    for (const name of tallied) tally[name] += changes[name];
    const messages = taken.map(({ id, route, failed, header, data }) => ({
      op: 'deliver' as const,
      delivery: id,
      route,
      attempt: failed + 1,
      header,
      data,
    }));
    [settled, taken, takenSuspect, changes] = [[], [], undefined, noTally()];
    return messages;
  };

  const bury = (ticket: Ticket, destination: string, outcome: Outcome): void => {
    const { header, data } = queue.load(ticket.id);
    // First: on a full disk it makes the room for the letter.
    queue.remove(ticket);
    changes.evicted += queue.dead.add({
      trigger: ticket.route,
      attempts: ticket.failed + 1,
      at: now(),
      ...failedHeader(header, { destination, ...outcome }),
      data,
    });
  };

  const fail = (route: Route, ticket: Ticket, outcome: Outcome, isCrash = false): void => {
    if (decide(outcome.status) === 'retry' && ticket.failed < route.delivery.retry) {
      const wait = waitMs(route.delivery, ticket.failed + 1, outcome);
      if (isCrash) queue.postponeCrashed(ticket.id, now(), wait);
      else queue.postpone(ticket.id, now(), wait);
      changes.retried += 1;
    } else if (route.keepsDead) {
      bury(ticket, `/functions/${route.function}`, outcome);
    } else {
      queue.remove(ticket);
      changes.tick += 1;
    }
  };

  const finish = (ticket: Ticket): void => {
    queue.remove(ticket);
    changes.delivered += 1;
  };

  const settle = (route: Route, ticket: Ticket, { outcome, reply }: Settlement): boolean => {
    if (decide(outcome.status) !== 'done') {
      fail(route, ticket, outcome);
      return false;
    }
    if (reply === undefined) {
      finish(ticket);
      return false;
    }
    if (queue.add(reply, now())) {
      finish(ticket);
      changes.replied += 1;
      return true;
    }
    fail(route, ticket, { status: 503, message: 'the queue has no room for the reply' });
    return false;
  };

  queue.transaction(() => {
    queue.hasten(now());
    // What was being handled when the process ended may be what ended it: that was an attempt.
    for (const ticket of queue.leftOut()) {
      const route = byName.get(ticket.route);
      const message = 'the process ended while it was handled';
      if (route !== undefined) fail(route, ticket, { status: 500, message }, true);
    }
    // Rows of triggers that the catalogue does not have any more would wait for ever.
    for (const name of [...queue.depths().keys()].filter((stored) => !byName.has(stored))) {
      for (const ticket of queue.all(name)) {
        if (isTickRoute(name)) {
          queue.remove(ticket);
          changes.gone += 1;
        } else {
          const message = 'the trigger does not exist any more';
          bury(ticket, `/triggers/${name}`, { status: 404, message });
        }
      }
    }
  });
  committed();

  const take = (route: Route): number | undefined => {
    const { name, concurrency } = route;
    const out = running.get(name) ?? 0;
    const free = concurrency - out;
    if (free <= 0 || queue.rowsOf(name) <= out) return undefined;
    const rows = queue.due(name, now(), free);
    for (const row of rows) {
      queue.sendOut(row.id);
      move(name, 1);
      taken.push(row);
    }
    return rows.length < free ? queue.nextDue(name) : undefined;
  };

  const isOut = (id: number): boolean => inFlight.has(id) && settled.every((one) => one.id !== id);

  /**
   * Takes a suspect once none is out; one that goes alone, once all others are back.
   * @returns when to look again, Unix ms, if others may go meanwhile.
   */
  const takeSuspect = (): { readonly wake?: number | undefined } | 'alone' => {
    if (!suspects) return {};
    if (suspect !== undefined && isOut(suspect.id)) return goesAlone(suspect) ? 'alone' : {};
    const row = queue.firstSuspect();
    suspects = row !== undefined;
    if (row === undefined) return {};
    if (row.due > now()) return { wake: row.due };
    const isAlone = goesAlone(row);
    if (isAlone && [...running.values()].some((out) => out > 0)) return 'alone';
    if ((running.get(row.route) ?? 0) >= (byName.get(row.route)?.concurrency ?? 0)) return {};
    queue.sendOut(row.id);
    move(row.route, 1);
    taken.push(row);
    takenSuspect = row;
    return isAlone ? 'alone' : {};
  };

  return {
    publish: (posted, marks = []) => {
      if (posted.routes.length > 0 && !queue.add(posted, now())) return false;
      for (const mark of marks) queue.setMark(mark);
      return true;
    },
    tick: (posted, mark) => {
      // Not "or a later one": the clock may have been set back.
      if (mark.value === queue.mark(mark.key)) return false;
      if (posted.routes.some((route) => queue.rowsOf(route) > 0)) return false;
      if (!queue.add(posted, now())) return false;
      queue.setMark(mark);
      return true;
    },
    settle: (settlement) => {
      const ticket = inFlight.get(settlement.delivery);
      const route = byName.get(ticket?.route ?? '');
      if (ticket === undefined || route === undefined) return false;
      settled.push(ticket);
      move(ticket.route, -1);
      return settle(route, ticket, settlement);
    },
    replay: (id) => {
      const letter = queue.dead.get(id);
      if (letter === undefined) return 'missing';
      if (!byName.has(letter.trigger)) return 'gone';
      const { trigger, header, data } = letter;
      if (!queue.add({ routes: [trigger], header, data }, now())) return 'full';
      queue.dead.remove(id);
      return 'replayed';
    },
    pump: () => {
      if (!sending) return undefined;
      const first = takeSuspect();
      if (first === 'alone') return undefined;
      const wakes = [first.wake, ...routes.map(take)].filter((wake) => wake !== undefined);
      return wakes.length === 0 ? undefined : Math.min(...wakes);
    },
    committed,
    rolledBack: () => {
      for (const { route } of settled) move(route, 1);
      for (const { route } of taken) move(route, -1);
      [settled, taken, takenSuspect, changes] = [[], [], undefined, noTally()];
    },
    start: () => {
      sending = true;
    },
    drain: () => {
      sending = false;
    },
    inFlight: () => inFlight.size,
    counters: () => {
      const { delivered, retried, replied, ...drops } = tally;
      return {
        depth: queue.depth(),
        depths: Object.fromEntries(queue.depths()),
        flows: Object.fromEntries(routes.map(({ name }) => [name, queue.flow(name)])),
        refusals: queue.refusals(),
        oldestMs: Math.max(0, now() - (queue.oldest() ?? now())),
        delivered,
        retried,
        replied,
        dead: queue.dead.count(),
        dropped: Object.values(drops).reduce((sum, count) => sum + count, 0),
        drops,
      };
    },
  };
}
