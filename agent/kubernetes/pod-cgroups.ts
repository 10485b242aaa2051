import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { foldersIn } from '../folders-in.ts';
import type { NodePoint } from '../pod-directory.ts';
import type { KubePod } from './pod-object.ts';
import { podUidOf } from './pod-processes.ts';

/** Finds the cgroups v2 of pods. */
export interface PodCgroups {
  /**
   * Those that hold what a pod's application says: the pod's own, or where it has a sidecar those of its other containers.
   *
   * @returns nothing while they are not made yet; undefined where the pod has none, or none that can be told.
   */
  find(pod: PodCgroupsOf): readonly NodePoint[] | undefined;
}

/** What is to be known of a pod. */
export type PodCgroupsOf = Pick<KubePod, 'cgroupUid' | 'sandboxed' | 'besideSidecar'>;

/** What {@link podCgroups} needs. */
export interface PodCgroupsOptions {
  /** Where cgroup v2 is mounted. */
  readonly roots: readonly string[];
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
}

/** Folders of pods lie no deeper. */
const deepest = 8;
/** A node has some hundred folders without those of pods: 10 ms. For a pod that is new the last search may be too old. */
const searchMs = 5_000;
const freshMs = 200;
const mostAsked = 4_096;

/** Where cgroup v2 is mounted, as the process sees it: more than once where the node's is mounted beside the container's own. */
export function cgroupRoots(mounts = readFileSync('/proc/self/mounts', 'utf8')): string[] {
  return mounts.split('\n').flatMap((line) => {
    const [, folder, type] = line.split(' ');
    return folder !== undefined && type === 'cgroup2' ? [folder] : [];
  });
}

/** By the names that the kubelet gives them, whatever its driver and its root. */
export function podCgroups({ roots, nowMs }: PodCgroupsOptions): PodCgroups {
  const found = new Map<string, { readonly folder: string; readonly root: string }>();
  /** Folders that pods lie in, by the mount that they belong to. */
  const parents = new Map<string, string>();
  /** Uids that were searched for in vain. */
  const missed = new Set<string>();
  let searchedMs = Number.NEGATIVE_INFINITY;

  const lookInto = (parent: string, root: string): readonly string[] => {
    const folders = foldersIn(parent);
    for (const name of folders) {
      const uid = podUidOf(name);
      if (uid === undefined) continue;
      found.set(uid, { folder: join(parent, name), root });
      parents.set(parent, root);
    }
    return folders.filter((name) => podUidOf(name) === undefined);
  };
  const search = (folder: string, root: string, depth = 0): void => {
    for (const name of lookInto(folder, root)) {
      if (depth < deepest) search(join(folder, name), root, depth + 1);
    }
  };
  const isKnown = (uid: string): boolean => {
    const known = found.get(uid);
    if (known !== undefined && inodeOf(known.folder) !== undefined) return true;
    found.delete(uid);
    return false;
  };
  const placeOf = (uid: string) => {
    if (isKnown(uid)) return found.get(uid);
    for (const [parent, root] of parents) lookInto(parent, root);
    if (!found.has(uid) && nowMs() - searchedMs >= (missed.has(uid) ? searchMs : freshMs)) {
      searchedMs = nowMs();
      for (const root of roots) search(root, root);
    }
    if (missed.size >= mostAsked) missed.clear();
    if (found.has(uid)) missed.delete(uid);
    else missed.add(uid);
    return found.get(uid);
  };

  return {
    find({ cgroupUid, sandboxed, besideSidecar: ids }) {
      const place = sandboxed ? undefined : placeOf(cgroupUid);
      if (place === undefined) return undefined;
      const { folder, root } = place;
      const point = (at: string): readonly NodePoint[] => {
        const inode = inodeOf(at);
        return inode === undefined ? [] : [{ point: at, name: relative(root, at), inode }];
      };
      if (ids === undefined) return point(folder);
      const own = foldersIn(folder).filter((name) => ids.some((id) => isContainer(name, id)));
      // Containers that have names which nobody knows: their packets pass the veth, too.
      if (own.length === 0 && ids.length > 0) return undefined;
      return own.flatMap((name) => point(join(folder, name)));
    },
  };
}

/** `<id>` (cgroupfs) or `cri-containerd-<id>.scope` (systemd); CRI-O has one more, of what watches over the container. */
function isContainer(folder: string, id: string): boolean {
  return folder === id || (folder.endsWith(`-${id}.scope`) && !folder.startsWith('crio-conmon-'));
}

function inodeOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.ino;
}
