import type { Logger } from 'pino';
import type { ProcessLink } from '../../native/capture/types.ts';
import type { Location } from '../pod-directory.ts';
import { devicesOf, judgeLinks, type JudgedLinks } from './judge-links.ts';
import type { PodCgroups } from './pod-cgroups.ts';
import type { KubePod } from './pod-object.ts';
import type { PodProcesses } from './pod-processes.ts';

/** Finds where pods can be seen, and remembers it. */
export interface Locator {
  /** By uid; pods that are missing in the answer have no network yet. Forgets all others. Never throws. */
  locate(pods: readonly KubePod[]): ReadonlyMap<string, Location>;
}

/** What {@link createLocator} needs. */
export interface LocatorOptions {
  readonly processes: PodProcesses;
  readonly cgroups: PodCgroups;
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
  readonly links: JudgedLinks;
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

const ofTheNode = { interface: '*', why: "it uses the node's own network (hostNetwork)" };

/**
 * From a pod's uid to its cgroups, and to a process in them, and from that by netlink to the node's end of its veth: the first
 * show more, and the others are there where nobody mounts a cgroup v2.
 */
export function createLocator(options: LocatorOptions): Locator {
  const { processes, cgroups, linksOf, ifindexOf, nowMs, log } = options;
  let known: ReadonlyMap<string, Finding> = new Map();
  let failing = false;

  const lookAt = (pids: readonly number[], pod: KubePod): [uid: string, sighting: Sighting][] => {
    const { uid, cgroupUid } = pod;
    for (const pid of pids.slice(0, mostProcesses)) {
      const found = linksOf(pid);
      // Helpers of the runtime are in the pod's cgroup, but in the node's network; so is what starts the sandbox, at first.
      const links = found === undefined || found === 'own' ? undefined : judgeLinks(found, pod);
      if (links !== undefined && processes.isOf(pid, cgroupUid)) return [[uid, { links, pid }]];
    }
    return [];
  };

  const lookFor = (pods: readonly KubePod[]): [uid: string, sighting: Sighting][] => {
    if (pods.length === 0) return [];
    const found = processes.find(new Set(pods.map(({ cgroupUid }) => cgroupUid)));
    return pods.flatMap((pod) => lookAt(found.get(pod.cgroupUid) ?? [], pod));
  };

  const isThere = ({ links: { interfaces } }: Finding): boolean =>
    interfaces.every(({ name, point }) => ifindexOf(name) === point);

  const waysOf = (
    pod: KubePod,
    { interfaces, unseen, unseenAtSockets }: JudgedLinks,
  ): readonly [uid: string, Location][] => {
    const points = cgroups.find(pod);
    const atVeth = { points: interfaces, unseen };
    if (points === undefined) return [[pod.uid, [atVeth]]];
    // Its application has not begun: at the veth the sidecar is all there is.
    if (points.length === 0) return [];
    return [[pod.uid, [{ points, unseen: unseenAtSockets }, atVeth]]];
  };

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
      if (finding.links.interfaces.length > 0) seen.set(pod.uid, finding);
      else found.delete(pod.uid);
    }
    for (const [uid, { links, pid }] of seen) {
      const before = found.get(uid)?.waitMs ?? firstWaitMs / 2;
      const waitMs = Math.min(longestWaitMs, before * 2);
      found.set(uid, { links, pid, waitMs, againMs: nowMs() + waitMs });
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
      return new Map(
        pods.flatMap((pod) => {
          const links = pod.hostNetwork ? onNode(pod) : found.get(pod.uid)?.links;
          return links === undefined ? [] : waysOf(pod, links);
        }),
      );
    },
  };
}

/** The node's interfaces are no pod's alone. */
function onNode(pod: KubePod): JudgedLinks {
  return { interfaces: [], unseen: [ofTheNode], unseenAtSockets: devicesOf(pod, []) };
}
