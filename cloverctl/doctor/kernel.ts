/** The first Linux with tcx, by which the agent attaches its programs. */
const least = { major: 6, minor: 6 };

/** What helps where a kernel is older than the agent needs; undefined for one that is not. */
export function olderKernelFix(release: string): string | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  if (Number(major) > least.major) return undefined;
  if (Number(major) === least.major && Number(minor) >= least.minor) return undefined;
  return `the agent needs Linux ${least.major}.${least.minor} or newer (tcx)`;
}
