/** How many pods each function has, from what `kubectl get pods -w` tells. */
export interface FunctionPods {
  /** A line of {@link podColumns}. @returns what has changed for a reader, if anything. */
  hear(line: string): string | undefined;
  /** Functions that have no pod. */
  atZero(): readonly string[];
  /** Functions that had no pod when this was last called, and have had one since. */
  woken(): readonly string[];
}

/** Options of `kubectl get` that give a pod a line: its name, its function, and since when it is being deleted. */
export const podColumns = [
  '--no-headers',
  '-o',
  String.raw`custom-columns=:.metadata.name,:.metadata.labels.serving\.knative\.dev/service,:.metadata.deletionTimestamp`,
] as const;

/**
 * Keeps account of the pods of functions; pure but for its own numbers.
 * @param functions names of all of them.
 */
export function createFunctionPods(functions: readonly string[]): FunctionPods {
  const pods = new Map(functions.map((name) => [name, new Set<string>()]));
  const woken = new Set<string>();
  return {
    hear(line) {
      const [pod = '', name = '', deleted = ''] = line.trim().split(/\s+/);
      const own = pods.get(name);
      if (own === undefined) return undefined;
      const before = own.size;
      if (deleted === '<none>') own.add(pod);
      else own.delete(pod);
      if (before === 0 && own.size > 0) {
        woken.add(name);
        return `${name} wakes up: a pod, where there was none`;
      }
      return before > 0 && own.size === 0 ? `${name} is at zero` : undefined;
    },
    atZero: () => functions.filter((name) => pods.get(name)?.size === 0),
    woken() {
      const names = [...woken].toSorted();
      woken.clear();
      return names;
    },
  };
}
