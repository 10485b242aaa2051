import type { Logger } from 'pino';
import type { Schedule } from '../../knative/catalogue.ts';
import { eventTypes, type Tick } from '../../knative/events.ts';
import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import type { Broker } from './broker/broker.ts';
import type { CloverFunction } from './function.ts';
import type { Deployed } from './runner.ts';

/** Options of {@link startScheduler}. */
export interface SchedulerOptions {
  readonly deployed: readonly Deployed[];
  readonly broker: Pick<Broker, 'tick'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Ticks of the catalogue's schedules. */
export interface Scheduler {
  /** No tick begins after this resolves. */
  stop(): Promise<void>;
}

/**
 * Puts a tick per schedule and period into the broker's queue, while its function says that
 * something is active. The broker remembers the period and refuses a second tick of it.
 */
export function startScheduler({ deployed, broker, clock, log }: SchedulerOptions): Scheduler {
  const stop = new AbortController();
  const run = async (fn: CloverFunction, schedule: Schedule): Promise<void> => {
    const period = schedule.everySeconds * 1_000;
    while (!stop.signal.aborted) {
      const at = periodStart(clock.now(), period);
      try {
        if ((await fn.isActive?.(schedule.name)) ?? true) {
          await broker.tick(schedule.name, at, tickEvent(schedule.name, at));
        }
      } catch (error) {
        log.warn({ err: error, schedule: schedule.name }, 'a tick was not queued');
      }
      // Between 0 and a period, also when the clock was set meanwhile.
      const rest = Math.min(Math.max(at + period - clock.now(), 0), period);
      await clock.sleep(rest, stop.signal).catch(() => undefined);
    }
  };
  const loops = deployed.flatMap(({ fn, entry }) =>
    entry.schedules.map((schedule) => run(fn, schedule)),
  );
  return {
    stop: async () => {
      stop.abort();
      await Promise.all(loops);
    },
  };
}

/** Start of the period that an instant lies in, both in Unix ms. */
export function periodStart(now: number, period: number): number {
  return Math.floor(now / period) * period;
}

/** The tick of a schedule's period: the same period always gives the same event. */
export function tickEvent(schedule: string, at: number): CloudEvent {
  const data: Tick = { schedule, at };
  return {
    specversion: '1.0',
    id: `${schedule}-${at}`,
    source: `/schedules/${schedule}`,
    type: eventTypes.tick,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    extensions: {},
    data: Buffer.from(JSON.stringify(data)),
  };
}
