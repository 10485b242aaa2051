import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createBroker } from '../../../functions/host/broker/broker.ts';
import { startScheduler } from '../../../functions/host/scheduler.ts';
import type { Schedule } from '../../../knative/catalogue.ts';
import { tick, type Tick } from '../../../knative/events.ts';
import { ManualClock } from './fixtures/manual-clock.ts';
import { entryOf, silent, temporaryFolder, until } from './helpers.ts';

/** Where the clock of a bench begins. */
export const noon = Date.UTC(2026, 0, 5, 12);
/** Milliseconds. */
export const minute = 60_000;

/** One schedule with its queue, which can be stopped and started again. */
export class SchedulerBench {
  readonly clock: ManualClock;
  readonly seen: Tick[] = [];
  active = true;
  /** Until then the function does not say whether it is active. */
  silence: Promise<void> | undefined;
  /** Until then the function has no answer. */
  gate: Promise<void> = Promise.resolve();
  private readonly path: string;
  private readonly schedule: Schedule;
  private ending: (() => Promise<void>) | undefined;
  private depth: () => Promise<number> = async () => 0;

  private constructor(folder: string, schedule: Schedule, begin: number) {
    this.clock = new ManualClock(begin);
    this.path = join(folder, 'broker.db');
    this.schedule = schedule;
  }

  static async start(
    t: ExecutionContext,
    schedule: string,
    timezone?: string,
    begin = noon,
  ): Promise<SchedulerBench> {
    const folder = await temporaryFolder(t);
    const bench = new SchedulerBench(
      folder,
      {
        name: 's',
        schedule,
        ...(timezone === undefined ? {} : { timezone }),
      },
      begin,
    );
    t.teardown(() => bench.stop());
    await bench.start();
    return bench;
  }

  async start(): Promise<void> {
    const entry = entryOf('f', { schedules: [this.schedule] });
    const broker = await createBroker({
      path: this.path,
      entries: [entry],
      log: silent,
      onFatal: () => undefined,
    });
    await broker.start(async ({ event }) => {
      await this.gate;
      this.seen.push(tick.parse(JSON.parse(event.data.toString())));
      return { status: 200, message: '' };
    });
    const scheduler = startScheduler({
      deployed: [
        {
          fn: {
            name: 'f',
            isActive: async () => {
              await this.silence;
              return this.active;
            },
          },
          entry,
        },
      ],
      broker,
      clock: this.clock,
      log: silent,
    });
    this.depth = async () => (await broker.counters()).depth;
    this.ending = async () => {
      await scheduler.stop();
      await broker.drain();
      await broker.close();
    };
    await this.clock.settled(1);
  }

  async stop(): Promise<void> {
    await this.ending?.();
    this.ending = undefined;
  }

  /** Time passes, and what came of it is delivered. */
  async pass(periods: number, period: number): Promise<void> {
    for (let count = 0; count < periods; count += 1) {
      await this.clock.pass(period, 1);
      await until(async () => (await this.depth()) === 0);
    }
  }

  /** Ticks that were not delivered yet. */
  async waiting(): Promise<number> {
    return this.depth();
  }

  /** Of what was seen: minutes after noon, and how many were missed before. */
  get ticks(): readonly [number, number][] {
    return this.seen.map(({ at, missed }) => [(at - noon) / minute, missed]);
  }
}
