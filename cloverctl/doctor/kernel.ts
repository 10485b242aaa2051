/** The oldest Linux that `npm run test:kernels` tries the programs on. */
const least = { major: 5, minor: 10 };

/** What helps where a kernel is older than the agent needs; undefined for one that is not. */
export function olderKernelFix(release: string): string | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  if (Number(major) > least.major) return undefined;
  if (Number(major) === least.major && Number(minor) >= least.minor) return undefined;
  return `the agent needs Linux ${least.major}.${least.minor} or newer`;
}
