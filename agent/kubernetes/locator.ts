import type { Logger } from 'pino';
import type { ProcessLink } from '../../native/capture/types.ts';
import type { Location } from '../pod-directory.ts';
import { judgeLinks } from './judge-links.ts';
import type { KubePod } from './pod-object.ts';
import type { PodProcesses } from './pod-processes.ts';

/** Finds the interfaces of pods, and remembers them. */
export interface Locator {
  /** By uid; pods that are missing in the answer have no network yet. Forgets all others. Never throws. */
  locate(pods: readonly KubePod[]): ReadonlyMap<string, Location>;
}

/** What {@link createLocator} needs. */
export interface LocatorOptions {
  readonly processes: PodProcesses;
  /** See `processLinks`. */
  readonly linksOf: (pid: number) => readonly ProcessLink[] | 'own' | undefined;
  /** Index of a network interface, undefined when there is none. */
  readonly ifindexOf: (name: string) => number | undefined;
  readonly log: Logger;
}

/** Of processes that do not tell: a container may hold thousands. */
const mostProcesses = 16;

const ofTheNode: Location = {
  interfaces: [],
  unseen: [{ interface: '*', why: "it uses the node's own network (hostNetwork)" }],
};

/** From a pod's uid to a process of its cgroup, and from that by netlink to the node's end of its veth. */
export function createLocator({ processes, linksOf, ifindexOf, log }: LocatorOptions): Locator {
  let known: ReadonlyMap<string, Location> = new Map();
  let failing = false;

  const lookAt = (pids: readonly number[], uid: string): Location | undefined => {
    for (const pid of pids.slice(0, mostProcesses)) {
      const links = linksOf(pid);
      // Helpers of the runtime are in the pod's cgroup, but in the node's network; so is what starts the sandbox, at first.
      const location = links === undefined || links === 'own' ? undefined : judgeLinks(links);
      if (location !== undefined && processes.isOf(pid, uid)) return location;
    }
    return undefined;
  };

  const lookFor = (pods: readonly KubePod[]): [uid: string, location: Location][] => {
    if (pods.length === 0) return [];
    const found = processes.find(new Set(pods.map(({ cgroupUid }) => cgroupUid)));
    return pods.flatMap(({ uid, cgroupUid }) => {
      const location = lookAt(found.get(cgroupUid) ?? [], cgroupUid);
      return location === undefined ? [] : [[uid, location]];
    });
  };

  const isThere = ({ interfaces }: Location): boolean =>
    interfaces.every(({ name, ifindex }) => ifindexOf(name) === ifindex);

  return {
    locate(pods) {
      const located = new Map<string, Location>();
      for (const { uid, hostNetwork } of pods) {
        const location = hostNetwork ? ofTheNode : known.get(uid);
        if (location !== undefined && isThere(location)) located.set(uid, location);
      }
      try {
        const rest = pods.filter(({ uid }) => !located.has(uid));
        for (const [uid, location] of lookFor(rest)) located.set(uid, location);
        failing = false;
      } catch (error) {
        if (!failing) log.error({ err: error }, 'cannot look for the interfaces of pods');
        failing = true;
      }
      known = located;
      return located;
    },
  };
}
