import type { Logger } from 'pino';
import type { FunctionEntry, Schedule } from '../../knative/catalogue.ts';
import { eventTypes, type Tick } from '../../knative/events.ts';
import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { latestInstant, nextInstant } from '../lib/cron/next.ts';
import { parseCron, type CronSchedule } from '../lib/cron/parse.ts';
import { CloverError } from '../lib/errors.ts';
import type { Broker } from './broker/broker.ts';
import { tickRoute } from './broker/routes.ts';
import type { CloverFunction } from './function.ts';
import type { Deployed } from './runner.ts';

/** Options of {@link startScheduler}. */
export interface SchedulerOptions {
  readonly deployed: readonly Deployed[];
  readonly broker: Pick<Broker, 'tick' | 'mark' | 'setMark'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Ticks of the catalogue's schedules. */
export interface Scheduler {
  /** No tick begins after this resolves. */
  stop(): Promise<void>;
}

/** A clock that was set is noticed after so long. */
const longestSleepMs = 30_000;

/** Set back by less than this, a clock comes back to where it was: nothing happens twice. */
const smallStepMs = 10_000;

/** `isActive` has so long for its answer. */
const longestAskMs = 10_000;

/** Missed periods are counted up to this many. */
const mostMissed = 1_000;

/** Value of the mark of a schedule whose function said that nothing is active. */
const atRest = 'rest';

/**
 * Puts a tick per schedule and period into the broker's queue, while its function says that something is
 * active. A period begins at an instant of the schedule and lasts until the next one.
 *
 * The broker stores the newest period that had its tick in the tick's own commit: a period has one tick,
 * however many restarts it sees. After a time away there is one tick for the newest period, and it
 * says how many before it had none. A function that was at rest meanwhile has missed nothing.
 * @throws CloverError CLV_CONFIG_INVALID for a bad schedule.
 */
export function startScheduler({ deployed, broker, clock, log }: SchedulerOptions): Scheduler {
  const stop = new AbortController();
  const schedules = deployed.flatMap(({ fn, entry }) =>
    parseSchedules(entry).map(({ name, cron }) => ({ fn, name, cron })),
  );

  const run = async ({ fn, name, cron }: Planned & { fn: CloverFunction }): Promise<void> => {
    const restKey = `${tickRoute(name)}/since`;
    const isActive = (): Promise<boolean> => askActive(fn, name, clock, stop.signal);

    /** The newest period that is dealt with: it had its tick, or wanted none. */
    let done = 0;
    let since: string | undefined;
    const setSince = async (value: string): Promise<void> => {
      if (value === since) return;
      await broker.setMark({ key: restKey, value });
      since = value;
    };

    const begin = async (): Promise<void> => {
      since = await broker.mark(restKey);
      const ticked = Number((await broker.mark(tickRoute(name))) ?? 0);
      if (since !== undefined && since !== atRest) {
        done = Math.max(Number(since), ticked);
        return;
      }
      done = Math.max(clock.now(), ticked);
      await setSince((await isActive()) ? String(done) : atRest);
    };

    /** The clock was set back for good: the hours that come again have their ticks again, over restarts too. */
    const goBack = async (now: number): Promise<void> => {
      if (since !== atRest) await setSince(String(now));
      await broker.setMark({ key: tickRoute(name), value: undefined });
      done = now;
    };

    const turn = async (): Promise<void> => {
      const now = clock.now();
      if (done > now + smallStepMs) await goBack(now);
      if ((nextInstant(cron, done) ?? Infinity) > now) return;
      const at = latestInstant(cron, now);
      if (at === undefined) return;
      if (!(await isActive())) {
        await setSince(atRest);
        done = at;
        return;
      }
      const missed = since === atRest ? 0 : countMissed(cron, done, at);
      if (since === atRest) await setSince(String(at - 1));
      // Refused while an earlier tick waits; then it is tried again, or counted by the next one.
      if (await broker.tick(name, at, tickEvent(name, at, missed))) done = at;
    };

    let begun = false;
    while (!stop.signal.aborted) {
      try {
        if (!begun) await begin();
        begun = true;
        await turn();
      } catch (error) {
        if (!stop.signal.aborted) log.warn({ err: error, schedule: name }, 'a tick was not queued');
      }
      const now = clock.now();
      const rest = (nextInstant(cron, now) ?? Infinity) - now;
      await clock.sleep(Math.min(rest, longestSleepMs), stop.signal).catch(() => undefined);
    }
  };

  const loops = schedules.map(run);
  return {
    stop: async () => {
      stop.abort();
      await Promise.all(loops);
    },
  };
}

interface Planned {
  readonly name: string;
  readonly cron: CronSchedule;
}

/**
 * The schedules of a function, parsed.
 * @throws CloverError CLV_CONFIG_INVALID; its details name the place in the catalogue.
 */
export function parseSchedules({ name, schedules }: FunctionEntry): readonly Planned[] {
  return schedules.map((schedule, index) => {
    try {
      return plan(schedule);
    } catch (error) {
      if (!(error instanceof CloverError)) throw error;
      const details = error.details.map(({ field, message }) => ({
        field: `${name}.schedules[${index}].${field}`,
        message,
      }));
      const text = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
      throw new CloverError(error.code, text, { cause: error, details });
    }
  });
}

function plan({ name, schedule, timezone }: Schedule): Planned {
  return { name, cron: parseCron(schedule, timezone) };
}

/**
 * Whether the function says that something is active. What hangs may hold up neither the end of the process nor, for
 * longer than a while, its own ticks.
 * @throws CloverError CLV_DEADLINE_EXCEEDED, and what the function or an abort throws.
 */
async function askActive(
  fn: CloverFunction,
  name: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  if (fn.isActive === undefined) return true;
  const asked = new AbortController();
  const abort = (): void => asked.abort();
  signal.addEventListener('abort', abort);
  const late = async (): Promise<never> => {
    await clock.sleep(longestAskMs, asked.signal);
    const message = `isActive of ${fn.name} has not answered for ${longestAskMs} ms`;
    throw new CloverError('CLV_DEADLINE_EXCEEDED', message);
  };
  try {
    return await Promise.race([fn.isActive(name), late()]);
  } finally {
    signal.removeEventListener('abort', abort);
    asked.abort();
  }
}

/** Instants between two others. */
function countMissed(cron: CronSchedule, from: number, to: number): number {
  let count = 0;
  let at = nextInstant(cron, from);
  while (at !== undefined && at < to && count < mostMissed) {
    count += 1;
    at = nextInstant(cron, at);
  }
  return count;
}

/** The tick of a schedule's period: the same period always gives the same event, but for `missed`. */
export function tickEvent(schedule: string, at: number, missed = 0): CloudEvent {
  const data: Tick = { schedule, at, missed };
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
