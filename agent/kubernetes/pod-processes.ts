import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A place in a cgroup path that names a pod. */
interface PodPlace {
  readonly uid: string;
  /** Folders below the pod's own: 1 for a container, more for what a container makes itself. */
  readonly depth: number;
}

/**
 * As the kubelet names a pod's cgroup: `…/pod<uid>/…` (cgroupfs) or `…/kubepods-burstable-pod<uid with _>.slice/…` (systemd).
 * The uid of a static pod is a hash of 32 digits.
 */
const podFolder =
  /^(?:.+-)?pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?$/;

/** The uid of the pod whose cgroup a folder is, by its name. */
export function podUidOf(folder: string): string | undefined {
  return podFolder.exec(folder)?.[1]?.replaceAll('_', '-');
}

/** The pods whose cgroups a process is in, from the text of `/proc/<pid>/cgroup`; of cgroups v1 and v2, whatever their root. */
export function podPlaces(text: string): readonly PodPlace[] {
  const places = new Map<string, number>();
  // Nearly every process of a node is told by this alone.
  if (!text.includes('pod')) return [];
  for (const line of text.split('\n')) {
    const folders = line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1).split('/');
    for (const [at, folder] of folders.entries()) {
      const uid = podUidOf(folder);
      if (uid === undefined) continue;
      const depth = folders.length - 1 - at;
      places.set(uid, Math.min(depth, places.get(uid) ?? depth));
    }
  }
  return [...places].map(([uid, depth]) => ({ uid, depth }));
}

/** Finds processes of pods by their cgroups. */
export interface PodProcesses {
  /** Process ids by the uid of the cgroup, those that tell most of the pod's own network first. */
  find(uids: ReadonlySet<string>): ReadonlyMap<string, readonly number[]>;
  /** Whether the process is still one of the pod: ids are given anew. */
  isOf(pid: number, uid: string): boolean;
}

/**
 * Looks at every process: no folder of cgroups has to be mounted, and it is all the same which driver and root the kubelet has.
 *
 * @param folder `/proc` of the node's process namespace.
 */
export function podProcesses(folder = '/proc'): PodProcesses {
  const placesOf = (pid: string): readonly PodPlace[] => {
    try {
      return podPlaces(readFileSync(join(folder, pid, 'cgroup'), 'utf8'));
    } catch {
      // It has ended meanwhile.
      return [];
    }
  };
  return {
    find(uids) {
      const found = new Map<string, { pid: number; depth: number }[]>();
      for (const name of readdirSync(folder)) {
        if (!/^\d+$/.test(name)) continue;
        for (const { uid, depth } of placesOf(name)) {
          if (!uids.has(uid)) continue;
          const candidates = found.get(uid) ?? [];
          candidates.push({ pid: Number(name), depth });
          found.set(uid, candidates);
        }
      }
      return new Map([...found].map(([uid, candidates]) => [uid, inOrder(candidates)]));
    },
    isOf: (pid, uid) => placesOf(String(pid)).some((place) => place.uid === uid),
  };
}

/** A container's first process before what it made, and the sandbox's before those of later containers. */
function inOrder(candidates: readonly { pid: number; depth: number }[]): number[] {
  return candidates.toSorted((a, b) => a.depth - b.depth || a.pid - b.pid).map(({ pid }) => pid);
}
