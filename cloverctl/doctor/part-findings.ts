import { isRecord } from '../../functions/lib/plain-value.ts';
import { clusterParts, type ClusterPart } from '../installation/cluster-parts.ts';
import { partProblems, settingsWithout, type PartUses } from '../installation/demand-cluster.ts';
import type { Findings } from '../installation/discover.ts';
import type { Inventory } from '../installation/inventory.ts';
import type { Finding } from './finding.ts';

/** How the parts of the cluster stand that an installation uses: Knative and Istio. */
export function partFindings(
  { settings }: Pick<Inventory, 'settings'>,
  cluster: Findings,
): readonly Finding[] {
  const { knative, controlPlane } = settings;
  const istio = isRecord(controlPlane) && controlPlane['istio'] === true;
  const uses: PartUses = { knative: knative === true, controlPlane: { istio } };
  const problems = partProblems(cluster, uses);
  const { serving, eventing } = clusterParts;
  return [
    ...problems.map((problem): Finding => {
      const check = problem.part === 'knative' ? 'Knative' : 'Istio';
      const fix = `mend that, or cloverctl upgrade ${settingsWithout([problem])}`;
      return { check, state: 'bad', found: problem.text, fix };
    }),
    ...(uses.knative
      ? [...versionFinding(serving, cluster.serving), ...versionFinding(eventing, cluster.eventing)]
      : []),
    ...(istio ? versionFinding(clusterParts.istio, cluster.istio) : []),
  ];
}

/** Nothing of a part that is not there: that is a problem, where it is one. */
function versionFinding(
  { name: check, namespace, deployments }: ClusterPart,
  version: string | undefined,
): readonly Finding[] {
  if (version === undefined) return [];
  if (version !== 'unknown') return [{ check, state: 'good', found: version }];
  const found = 'its version cannot be told';
  const fix = `docs/install.md has the least one; it is a label of the Deployment ${deployments[0]} of ${namespace}, which has to be there and to be read`;
  return [{ check, state: 'doubtful', found, fix }];
}
