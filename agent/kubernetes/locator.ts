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
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** What a process of a pod told. */
interface Sighting {
  readonly location: Location;
  readonly pid: number;
}

/** What is known of a pod, and when it is looked at again. */
interface Finding extends Sighting {
  readonly waitMs: number;
  readonly againMs: number;
}

/** Of processes that do not tell: a container may hold thousands. */
const mostProcesses = 16;
/** Interfaces come one after the other (Multus), and the end of a veth is moved to the node just after it was made. */
const firstWaitMs = 1_000;
/** Each wait is twice the one before: a pod may get interfaces while it runs. */
const longestWaitMs = 60_000;
/** At one time; a look at a process that is known costs some 100 µs. */
const mostAgain = 20;

const ofTheNode: Location = {
  interfaces: [],
  unseen: [{ interface: '*', why: "it uses the node's own network (hostNetwork)" }],
};

/** From a pod's uid to a process of its cgroup, and from that by netlink to the node's end of its veth. */
export function createLocator(options: LocatorOptions): Locator {
  const { processes, linksOf, ifindexOf, nowMs, log } = options;
  let known: ReadonlyMap<string, Finding> = new Map();
  let failing = false;

  const lookAt = (pids: readonly number[], pod: KubePod): [uid: string, sighting: Sighting][] => {
    const { uid, cgroupUid } = pod;
    for (const pid of pids.slice(0, mostProcesses)) {
      const links = linksOf(pid);
      // Helpers of the runtime are in the pod's cgroup, but in the node's network; so is what starts the sandbox, at first.
      const location = links === undefined || links === 'own' ? undefined : judgeLinks(links, pod);
      if (location !== undefined && processes.isOf(pid, cgroupUid)) {
        return [[uid, { location, pid }]];
      }
    }
    return [];
  };

  const lookFor = (pods: readonly KubePod[]): [uid: string, sighting: Sighting][] => {
    if (pods.length === 0) return [];
    const found = processes.find(new Set(pods.map(({ cgroupUid }) => cgroupUid)));
    return pods.flatMap((pod) => lookAt(found.get(pod.cgroupUid) ?? [], pod));
  };

  const isThere = ({ location: { interfaces } }: Finding): boolean =>
    interfaces.every(({ name, ifindex }) => ifindexOf(name) === ifindex);

  const dueOf = (pods: readonly KubePod[], found: ReadonlyMap<string, Finding>) =>
    pods
      .flatMap((pod) => {
        const finding = found.get(pod.uid);
        return finding === undefined || finding.againMs > nowMs() ? [] : [{ pod, finding }];
      })
      .toSorted((a, b) => a.finding.againMs - b.finding.againMs)
      .slice(0, mostAgain);

  const refresh = (pods: readonly KubePod[], found: Map<string, Finding>): void => {
    const missing = pods.filter(({ uid }) => !found.has(uid));
    const due = dueOf(pods, found);
    // The process that told the last time nearly always lives: then no other one is looked at.
    const seen = new Map(due.flatMap(({ pod, finding }) => lookAt([finding.pid], pod)));
    const astray = due.filter(({ pod }) => !seen.has(pod.uid));
    for (const [uid, sighting] of lookFor([...missing, ...astray.map(({ pod }) => pod)])) {
      seen.set(uid, sighting);
    }
    for (const { pod, finding } of astray) {
      if (seen.has(pod.uid)) continue;
      // Without a process its interface alone says that it is there.
      if (finding.location.interfaces.length > 0) seen.set(pod.uid, finding);
      else found.delete(pod.uid);
    }
    for (const [uid, { location, pid }] of seen) {
      const before = found.get(uid)?.waitMs ?? firstWaitMs / 2;
      const waitMs = Math.min(longestWaitMs, before * 2);
      found.set(uid, { location, pid, waitMs, againMs: nowMs() + waitMs });
    }
  };

  return {
    locate(pods) {
      const own = pods.filter(({ hostNetwork }) => !hostNetwork);
      const found = new Map<string, Finding>();
      for (const { uid } of own) {
        const finding = known.get(uid);
        if (finding !== undefined && isThere(finding)) found.set(uid, finding);
      }
      try {
        refresh(own, found);
        failing = false;
      } catch (error) {
        if (!failing) log.error({ err: error }, 'cannot look for the interfaces of pods');
        failing = true;
      }
      known = found;
      return new Map([
        ...pods
          .filter(({ hostNetwork }) => hostNetwork)
          .map(({ uid }) => [uid, ofTheNode] as const),
        ...[...found].map(([uid, { location }]) => [uid, location] as const),
      ]);
    },
  };
}
