import { CloverError } from '../../functions/lib/errors.ts';
import type { Installation } from '../../knative/render/installation.ts';
import { clusterParts } from './cluster-parts.ts';
import type { Findings } from './discover.ts';
import { olderKubernetesFix } from './kubernetes-version.ts';
import { spokenApis, type SpokenApi } from './spoken-apis.ts';

/** What keeps a part of the cluster from being used. */
export interface PartProblem {
  readonly part: SpokenApi['part'];
  readonly text: string;
}

/** Which parts an installation uses. */
export interface PartUses {
  readonly knative: boolean;
  readonly controlPlane: Pick<Installation['controlPlane'], 'istio'>;
}

/** @throws CloverError CLV_CONFLICT where Kubernetes is too old. */
export function demandKubernetes({ version: found }: Pick<Findings, 'version'>): void {
  const fix = olderKubernetesFix(found);
  if (fix === undefined) return;
  throw new CloverError('CLV_CONFLICT', `nothing was changed: the cluster is ${found}. ${fix}`);
}

/**
 * What an installation asks of the cluster is there, runs, and is new enough to be spoken to.
 * @throws CloverError CLV_CONFLICT naming what is not, and the setting that does without it.
 */
export function demandParts(findings: Findings, uses: PartUses): void {
  const problems = partProblems(findings, uses);
  if (problems.length === 0) return;
  const texts = problems.map(({ text }) => text).join(', ');
  const message = `nothing was changed: ${texts}; ${settingsWithout(problems)} does without`;
  throw new CloverError('CLV_CONFLICT', message);
}

/** The options that do without the parts that have problems. */
export function settingsWithout(problems: readonly PartProblem[]): string {
  const lacking = new Set(problems.map(({ part }) => part));
  return [
    ...(lacking.has('knative') ? ['--set knative=false'] : []),
    ...(lacking.has('istio') ? ['--set controlPlane.istio=false'] : []),
  ].join(' ');
}

/** What an installation uses and the cluster lacks. */
export function partProblems(
  findings: Findings,
  { knative, controlPlane }: PartUses,
): readonly PartProblem[] {
  const isUsed = { knative, istio: controlPlane.istio };
  const stopped = findings.stopped.map((text): PartProblem => ({ part: 'knative', text }));
  const all = [...missing(findings), ...stopped, ...unserved(findings)];
  return all.filter(({ part }) => isUsed[part]);
}

function missing({ serving, eventing }: Findings): readonly PartProblem[] {
  const versions = [
    { ...clusterParts.serving, version: serving },
    { ...clusterParts.eventing, version: eventing },
  ];
  return versions
    .filter(({ version }) => version === undefined)
    .map(({ name }) => ({ part: 'knative', text: `${name} is not there` }));
}

function unserved(findings: Findings): readonly PartProblem[] {
  return findings.unserved.flatMap((api) => {
    const spoken = spokenApis.get(api);
    if (spoken === undefined) return [];
    const text = `the cluster does not serve ${api}, which ${spoken.servedBy} does`;
    return [{ part: spoken.part, text }];
  });
}
