/** One pod of this node, as far as tracing needs it. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An interface of the node's network namespace that leads to a pod. */
export interface NodeInterface {
  readonly name: string;
  readonly ifindex: number;
}

/** Something of a pod that cannot be traced. */
export interface Unseen {
  /** As the pod calls it, or `*` for all of it. */
  readonly interface: string;
  /** The reason, for people: it ends a sentence. */
  readonly why: string;
}

/** Where a pod's traffic passes. */
export interface Location {
  readonly interfaces: readonly NodeInterface[];
  readonly unseen: readonly Unseen[];
}

/** The pods of this node, kept up to date by itself. */
export interface PodDirectory {
  /** The last that is known; undefined before the first. */
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
