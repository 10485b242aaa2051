import { z } from 'zod';
import type { Schedule } from '../../knative/catalogue.ts';
import { eventTypes, resourceChanges } from '../../knative/events.ts';
import { ownSchedulesOf } from '../../knative/render/function-table.ts';
import { pingSource } from '../../knative/render/ping-source.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { version } from '../lib/version.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import type { EventHandler } from './event-handler.ts';
import { podNamespace, type Environment } from './function-settings.ts';
import type { CloverFunction } from './function.ts';

/**
 * The function with the ticks that it makes itself where it is a Knative Service, as it is where nothing says so: whoever runs it
 * otherwise has other ticks.
 * @throws CloverError CLV_CONFIG_INVALID on Knative outside a pod.
 */
export function onKnative(
  fn: CloverFunction,
  client: KubeClient,
  env: Environment = process.env,
): CloverFunction {
  if (env['K_SERVICE'] === undefined) return fn;
  return withOwnTicks(fn, {
    client,
    namespace: podNamespace(env),
    schedules: ownSchedulesOf(fn.name),
  });
}

/** What {@link withOwnTicks} needs. */
export interface OwnTicksOptions {
  readonly client: KubeClient;
  /** Where the function's Service is. */
  readonly namespace: string;
  /** Those that the function starts and ends itself. */
  readonly schedules: readonly Schedule[];
  /** By which it waits for one that goes. Default: the machine's. */
  readonly clock?: Pick<Clock, 'sleep'>;
}

type PingSource = ReturnType<typeof pingSource>;

/** Knative's finalizer takes well below a second, where its controller runs. */
const leavingMs = [100, 200, 400, 800, 1_600] as const;

const service = z.object({ metadata: z.object({ name: z.string(), uid: z.string() }) });

const present = z.object({
  metadata: z.object({ deletionTimestamp: z.string().optional() }),
  spec: z.object({
    schedule: z.string().optional(),
    sink: z.object({ audience: z.string().optional() }).optional(),
  }),
});

/** Events after which a schedule may be active that was not, or the other way round. */
const telling: ReadonlySet<string> = new Set([
  eventTypes.tick,
  ...Object.values(resourceChanges).map(({ type }) => type),
]);

/**
 * The function on Knative, with schedules that tick only while it says that they are active: each is a PingSource that is made
 * and deleted as that changes. It belongs to the function's Service, and goes with it.
 */
export function withOwnTicks(fn: CloverFunction, options: OwnTicksOptions): CloverFunction {
  const { client, namespace, schedules, clock = systemClock } = options;
  const collection = `/apis/sources.knative.dev/v1/namespaces/${namespace}/pingsources`;
  /** What was done last; another process of the function may have done something else since. */
  const known = new Map<string, boolean>();
  let turn: Promise<void> = Promise.resolve();

  /**
   * Keeps the one that is there; false where none stays. One that was deleted is there until its finalizer is gone, and ticks no more; one
   * of a version that made it otherwise is deleted.
   */
  const keep = async ({ metadata: { name }, spec }: PingSource): Promise<boolean> => {
    const path = `${collection}/${name}`;
    const found = await unless('CLV_NOT_FOUND', client.call({ method: 'GET', path }));
    if (found === undefined) return false;
    const { metadata, spec: of } = present.parse(found);
    if (metadata.deletionTimestamp !== undefined) return false;
    if (of.schedule === spec?.schedule && of.sink?.audience === spec?.sink?.audience) return true;
    await unless('CLV_NOT_FOUND', client.call({ method: 'DELETE', path }));
    return false;
  };

  const make = async (schedule: Schedule): Promise<void> => {
    const path = `/apis/serving.knative.dev/v1/namespaces/${namespace}/services/${fn.name}`;
    const { metadata: owner } = service.parse(await client.call({ method: 'GET', path }));
    const source = pingSource({ namespace, version }, fn.name, schedule);
    const ownerReferences = [{ apiVersion: 'serving.knative.dev/v1', kind: 'Service', ...owner }];
    const body = { ...source, metadata: { ...source.metadata, ownerReferences } };
    const isThere = async (): Promise<boolean> => {
      const call = client.call({ method: 'POST', path: collection, body });
      return (await unless('CLV_CONFLICT', call)) !== undefined || keep(source);
    };
    for (const wait of leavingMs) {
      if (await isThere()) return;
      await clock.sleep(wait);
    }
    if (await isThere()) return;
    const message = `the PingSource ${schedule.name} of before is still being deleted`;
    throw new CloverError('CLV_OVERLOADED', message, { retryAfter: 1 });
  };

  const settle = async (): Promise<void> => {
    for (const schedule of schedules) {
      const { name } = schedule;
      const isActive = (await fn.isActive?.(name)) ?? false;
      if (known.get(name) === isActive) continue;
      if (isActive) await make(schedule);
      else {
        const path = `${collection}/${name}`;
        await unless('CLV_NOT_FOUND', client.call({ method: 'DELETE', path }));
      }
      known.set(name, isActive);
    }
  };

  const settleInTurn = (): Promise<void> => {
    turn = turn.then(settle, settle);
    return turn;
  };

  const wrap = (handler: EventHandler): EventHandler => ({
    type: handler.type,
    async handle(event, invocation) {
      const isOwn = schedules.some(({ name }) => event.source.endsWith(`/${name}`));
      if (handler.type === eventTypes.tick && !isOwn) known.clear();
      // An event that is given up in the end leaves something undone: ticks go on from there. The first failure is the one to tell.
      const reply = await handler.handle(event, invocation).catch(async (error: unknown) => {
        await settleInTurn().catch(() => undefined);
        throw error;
      });
      await settleInTurn();
      return reply;
    },
  });

  return {
    ...fn,
    handlers: (fn.handlers ?? []).map((handler) =>
      telling.has(handler.type) ? wrap(handler) : handler,
    ),
  };
}

/** The answer; undefined for that one refusal. */
async function unless(code: CloverError['code'], call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== code) throw error;
    return undefined;
  }
}
