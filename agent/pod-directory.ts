import type { CapturePoint } from '../native/capture/types.ts';
import type { PortHint } from '../native/capture/trace-settings.ts';

/** One pod of this node, as far as tracing needs it. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What its ports are said to speak, ascending. */
  readonly hints?: readonly PortHint[];
}

/** A place where a pod's packets can be seen. */
export interface NodePoint {
  readonly point: CapturePoint;
  /** For people: the interface, or the folder of the cgroup below its root. */
  readonly name: string;
  /** Of a cgroup: one that is made anew in the same folder has another. */
  readonly inode?: number;
}

/** Something of a pod that cannot be traced. */
export interface Unseen {
  /** As the pod calls it, or `*` for all of it. */
  readonly interface: string;
  /** The reason, for people: it ends a sentence. */
  readonly why: string;
}

/** All points that it takes to see a pod by one kind of them, and what it leaves unseen. */
export interface Way {
  readonly points: readonly NodePoint[];
  readonly unseen: readonly Unseen[];
}

/** Where a pod's traffic passes: each way has all of it, the first one that can be had is taken. */
export type Location = readonly Way[];

/** The pods of this node, kept up to date by itself. */
export interface PodDirectory {
  /** The last that is known, the same object as long as nothing has changed; undefined before the first. */
  pods(): readonly Pod[] | undefined;
  /** Finds where pods' traffic passes, by uid; one that is missing in the answer is not there yet. Never throws. */
  locate(uids: ReadonlySet<string>): ReadonlyMap<string, Location>;
  /** Files, answers or objects that could not be used, cumulative. */
  readonly failed: number;
  /** Resolves when nothing is on its way any more. */
  stop(): Promise<void>;
}

/** Opens a directory. `onChange` is called after each change, and may be at any other time. */
export type OpenPodDirectory = (onChange: () => void) => PodDirectory;
