/**
 * The first one that selects objects of our kinds by their fields without being told to (CustomResourceFieldSelectors):
 * https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
 */
const least = { major: 1, minor: 31 };

/** What helps where a cluster is older than Clover needs; undefined for one that is not, or does not tell. */
export function olderKubernetesFix(version: string): string | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return undefined;
  if (Number(major) > least.major) return undefined;
  if (Number(major) === least.major && Number(minor) >= least.minor) return undefined;
  return `Clover needs Kubernetes ${least.major}.${least.minor} or newer`;
}
