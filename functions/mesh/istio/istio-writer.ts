import { apiVersion } from '../../../knative/resources/meta.ts';
import type { Clock } from '../../lib/clock.ts';
import type { KubeClient } from '../../resources/kubernetes/client.ts';
import type { PolicyTraffic } from '../target.ts';
import { areRoutesCurrent, isAs, releasedText, sameName, type PolicyInPlace } from './in-place.ts';
import { withLeaving } from './leaving.ts';
import { mark, type LiveObject } from './live-objects.ts';
import type { IstioObject, PolicyObjects } from './objects.ts';
import { applyObject, deleteObject } from './write-object.ts';

/** What one policy is to be brought to, from what was read. */
export interface PolicyWrite {
  readonly policy: PolicyTraffic;
  readonly wanted: PolicyObjects;
  /** SHA-256 of what is wanted. */
  readonly hash: string;
  readonly inPlace: PolicyInPlace;
  /** What is not used any more may go, if it was not used for long enough. */
  readonly resync: boolean;
}

/** What the routes of a policy need is there. */
export interface Provided {
  /** Some of it was not there before: proxies have to hear of it sooner than of a route to it. */
  readonly isNew: boolean;
  /**
   * Writes the routes, and takes away what they need no more.
   * @returns their epoch.
   * @throws CloverError CLV_CONFLICT when somebody has written since the reading.
   */
  route(): Promise<number>;
}

/** Writes policies' objects, in an order in which no request fails. */
export interface IstioWriter {
  /**
   * Puts in place what the routes of a policy will need, and takes nothing from those that are there.
   * @throws CloverError CLV_CONFLICT when somebody has written since the reading.
   */
  provide(write: PolicyWrite): Promise<Provided>;
  /** Takes away what is in place of a policy that is none any more: the routes at once, the rest by a later resync. */
  remove(key: string, inPlace: PolicyInPlace, resync: boolean): Promise<void>;
  counters(): Readonly<Record<string, number>>;
}

/** Makes an {@link IstioWriter}. */
export function createIstioWriter(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** How long what routes needed stays after them, in milliseconds. */
  readonly drainMs: number;
}): IstioWriter {
  const { client, clock, drainMs } = options;
  const counts = { writes: 0, deletions: 0 };
  /** When the routes of a policy were taken away, by its key. */
  const withoutRoutes = new Map<string, number>();

  const apply: typeof applyObject = async (...args) => {
    counts.writes += 1;
    return applyObject(...args);
  };
  const deleteAll = async (objects: readonly LiveObject[]): Promise<void> => {
    for (const object of objects) {
      counts.deletions += 1;
      await deleteObject(client, object);
    }
  };

  return {
    counters: () => ({ ...counts }),

    async provide({ policy, wanted, hash, inPlace, resync }) {
      const { routes, versions, faults, others } = inPlace;
      const name = wanted.virtualService.name;
      const known = [routes, versions, ...faults].flatMap((object) => object?.epoch ?? []);
      const marks = { policy: name, epoch: Math.max(0, ...known) + 1 };
      const isChange = !isAs(routes, wanted.virtualService);
      const areCurrent = areRoutesCurrent(routes, wanted.virtualService, policy);
      let isNew = false;

      /** With other routes it is always written: a writer that read before must not take away what these need. */
      const widen = async (
        object: IstioObject,
        before: LiveObject | undefined,
      ): Promise<LiveObject> => {
        const wide = before === undefined ? object : withLeaving(object, before.spec);
        const isThere = isAs(before, wide);
        if (!isChange && isThere) return before;
        if (!isThere) isNew = true;
        return apply(client, wide, marks, before);
      };
      const narrow = async (object: IstioObject, now: LiveObject): Promise<void> => {
        if (!isAs(now, object)) await apply(client, object, marks, now);
      };

      const nowVersions = await widen(wanted.destinationRule, versions);
      const nowFaults = new Map<IstioObject, LiveObject>();
      for (const fault of wanted.faults) {
        nowFaults.set(fault, await widen(fault, sameName(faults, fault)));
      }
      const route = async (): Promise<number> => {
        let nowRoutes = routes;
        if (!areCurrent) {
          const now = new Date(clock.now()).toISOString();
          const annotations = {
            [mark.basis]: policy.basis,
            [mark.hash]: hash,
            [mark.released]: releasedText(policy),
            [mark.changed]: isChange ? now : (routes?.annotations[mark.changed] ?? now),
          };
          const owner = { apiVersion, name, uid: policy.uid };
          const written = { ...marks, annotations, owner };
          nowRoutes = await apply(client, wanted.virtualService, written, routes);
        }
        const changed = Date.parse(nowRoutes?.annotations[mark.changed] ?? '');
        // What is no time is long ago.
        if (resync && !(clock.now() - changed < drainMs)) {
          await narrow(wanted.destinationRule, nowVersions);
          for (const [fault, now] of nowFaults) await narrow(fault, now);
          const unused = faults.filter(
            (fault) => !wanted.faults.some(({ name: own }) => own === fault.name),
          );
          await deleteAll([...unused, ...others]);
        }
        return nowRoutes?.epoch ?? marks.epoch;
      };
      return { isNew: isNew && !areCurrent, route };
    },

    async remove(key, { routes, versions, faults, others }, resync) {
      if (routes !== undefined) {
        await deleteAll([routes]);
        withoutRoutes.set(key, clock.now());
      } else if (resync && clock.now() - (withoutRoutes.get(key) ?? -Infinity) >= drainMs) {
        await deleteAll([...faults, ...others, ...(versions === undefined ? [] : [versions])]);
        withoutRoutes.delete(key);
      }
    },
  };
}
