/** Node with the heap of JavaScript, batches on their way out, and maps other than the ring: 25 MiB, and under load up to 36. */
const ownBytes = 38 * 2 ** 20;
const leastBytes = 4 * 2 ** 20;

/** What {@link captureMemory} goes by. */
export interface MemoryOptions {
  /** What the process may take with its maps, as its configuration says. */
  readonly limitBytes?: number | undefined;
  /** The limit of its cgroup (`process.constrainedMemory`); without one it is 0 or more than any machine has. */
  readonly cgroupBytes: number;
  readonly ringBytes: number;
}

/** What a capture may hold beside its ring; undefined where there is no limit. */
export function captureMemory(options: MemoryOptions): number | undefined {
  const { limitBytes, cgroupBytes, ringBytes } = options;
  const limit = limitBytes ?? cgroupBytes;
  if (limit === 0 || limit > Number.MAX_SAFE_INTEGER) return undefined;
  return Math.max(leastBytes, limit - ringBytes - ownBytes);
}
