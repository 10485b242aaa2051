import type { Logger } from 'pino';
import type { FunctionEntry } from '../../knative/catalogue.ts';
import type { Clock } from '../lib/clock.ts';
import type { ResourceStore } from '../resources/store.ts';
import { createAgentCalls } from './agent-calls.ts';
import { createAdmission } from './admission.ts';
import { createBearerCheck } from './bearer.ts';
import type { BrokerAdmin } from './broker/admin.ts';
import { createBroker } from './broker/broker.ts';
import type { BrokerCounters } from './broker/messages.ts';
import { checkHandlers } from './check-handlers.ts';
import { createHost } from './create-host.ts';
import { endWork } from './end-work.ts';
import type { CloverFunction } from './function.ts';
import { startResourceEvents } from './resource-events.ts';
import type { AdmitScraper } from './listener.ts';
import { createRunner } from './runner.ts';
import type { Telemetry } from './telemetry.ts';
import { parseSchedules, startScheduler } from './scheduler.ts';

/** Options of {@link serve}. */
export interface ServeOptions {
  readonly functions: readonly CloverFunction[];
  readonly catalogue: readonly FunctionEntry[];
  /** Database of the broker. */
  readonly brokerPath: string;
  /** Whose changes become events. */
  readonly resources?: Pick<ResourceStore, 'list' | 'watch'>;
  readonly token: string;
  /** Of agents, which is good for less: {@link AgentCalls}. Default: they have that of every caller. */
  readonly agentToken?: string;
  /** Who may read the metrics and nothing else. Default: nobody. */
  readonly admitScraper?: AdmitScraper;
  readonly listen: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly log: Logger;
  /** The process cannot go on. */
  readonly onFatal: (error: unknown) => void;
  /** Default: none. */
  readonly telemetry?: Telemetry;
  /** See HostOptions. */
  readonly corsOrigins?: readonly string[];
  readonly requestTimeoutMs?: number;
  readonly drainGraceMs?: number;
}

/** Functions that are served, with their broker, scheduler and HTTP. */
export interface Serving {
  readonly url: string;
  /** Dead letters, and events as they pass. */
  readonly admin: BrokerAdmin;
  readonly brokerCounters: () => Promise<BrokerCounters>;
  /** Counters of the broker and of every function that has some. */
  counters(): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>>;
  /** Requests that have not ended, and handlers that no request waits for. */
  pending(): number;
  /**
   * Readiness, requests, ticks and deliveries end together, then the functions, then the queue. Events that come meanwhile
   * are stored for the next process.
   */
  drain(): Promise<void>;
}

/**
 * Runs functions in this process.
 * @throws CloverError CLV_CONFIG_INVALID, or the reason why the queue cannot be had.
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { functions, catalogue, resources, token, listen, clock, log, onFatal } = options;
  const measured = options.telemetry === undefined ? {} : { telemetry: options.telemetry };
  const runner = createRunner({
    functions,
    catalogue,
    log,
    emit: (event) => broker.publish(event),
    admission: createAdmission,
    ...measured,
  });
  const entries = runner.deployed.map(({ entry }) => entry);
  // Before anything is opened: a bad cron line, events that nobody handles.
  for (const entry of entries) parseSchedules(entry);
  checkHandlers(runner.deployed);
  const broker = await createBroker({ path: options.brokerPath, entries, log, onFatal });
  const host = createHost({
    runner,
    publish: (event) => broker.publish(event),
    isAuthorized: createBearerCheck(token),
    ...(options.agentToken === undefined ? {} : { agents: createAgentCalls(options.agentToken) }),
    ...(options.admitScraper === undefined ? {} : { admitScraper: options.admitScraper }),
    ...measured,
    log,
    ...(options.corsOrigins === undefined ? {} : { corsOrigins: options.corsOrigins }),
    ...(options.requestTimeoutMs === undefined
      ? {}
      : { requestTimeoutMs: options.requestTimeoutMs }),
    ...(options.drainGraceMs === undefined ? {} : { drainGraceMs: options.drainGraceMs }),
  });
  const url = await host.listen(listen).catch(async (error: unknown) => {
    await broker.close();
    throw error;
  });
  await broker.start((delivery) => runner.deliver(delivery));
  const scheduler = startScheduler({ deployed: runner.deployed, broker, clock, log });
  const pump =
    resources === undefined
      ? undefined
      : startResourceEvents({ store: resources, broker, clock, log });

  return {
    url,
    admin: broker,
    brokerCounters: () => broker.counters(),
    counters: async () => {
      const { depths: _, flows: __, drops, refusals, ...total } = await broker.counters();
      const byCause = [
        ...Object.entries(drops).map(([cause, n]) => [`dropped.${cause}`, n] as const),
        ...Object.entries(refusals).map(([cause, n]) => [`refused.${cause}`, n] as const),
      ];
      const own = functions.map(
        (fn) => [fn.name, { ...ownCounters(fn, log), rejected: runner.rejected(fn.name) }] as const,
      );
      return {
        broker: { ...total, ...Object.fromEntries(byCause) },
        ...Object.fromEntries(own),
      };
    },
    pending: () => host.pending() + runner.unawaited(),
    drain: async () => {
      // At once: deliveries that begin while requests are waited for would have less and less time.
      const work = [host.drain(), broker.drain(), scheduler.stop()];
      if (pump !== undefined) work.push(pump.stop());
      await endWork(runner, work);
      // Functions may still emit while they close; the queue is the last to end.
      await runner.close();
      await host.close();
      await broker.close();
    },
  };
}

/** None of a function that cannot say them: those of all others still count. */
function ownCounters(fn: CloverFunction, log: Logger): Readonly<Record<string, number>> {
  try {
    return fn.counters?.() ?? {};
  } catch (error) {
    log.error({ err: error, function: fn.name }, 'a function did not say its counters');
    return {};
  }
}
