import type { ApiClient } from '../functions/api/client.ts';
import { doubts } from '../functions/lib/doubts.ts';
import { policyKey, targetHolder } from '../functions/lib/policy-age.ts';
import { detailText } from '../functions/lib/problem-words.ts';
import type { Experiment } from '../knative/resources/experiment.ts';
import type { AnyResource } from '../knative/resources/kinds.ts';
import type { TrafficPolicy } from '../knative/resources/traffic-policy.ts';

/** What is allowed, and yet probably not meant: by itself, or as other objects are. */
export async function warnings(client: ApiClient, object: AnyResource): Promise<string[]> {
  const about =
    object.kind === 'Experiment'
      ? await ofExperiment(client, object)
      : object.kind === 'TrafficPolicy'
        ? await ofPolicy(client, object)
        : [];
  const own = doubts(object.kind, object.spec).map(detailText);
  return [...ofDeletion(object), ...own, ...about];
}

function ofDeletion({ kind, metadata }: AnyResource): string[] {
  if (metadata.deletionTimestamp === undefined) return [];
  const waits = (metadata.finalizers ?? []).join(', ');
  return [
    `${kind} ${metadata.name} is being deleted and waits for ${waits}: what was applied goes with it, apply it again then`,
  ];
}

async function ofPolicy(client: ApiClient, policy: TrafficPolicy): Promise<string[]> {
  const { items } = await client.list('TrafficPolicy');
  const holder = targetHolder(policy, items);
  if (holder === undefined) return [];
  const { host, port } = policy.spec.target;
  return [
    `policy ${policy.metadata.name} gets no traffic: host "${host}" on port ${port} belongs to the older TrafficPolicy ${policyKey(holder)}`,
  ];
}

async function ofExperiment(client: ApiClient, { metadata, spec }: Experiment): Promise<string[]> {
  const { targetRef, control, variant } = spec;
  const { name, namespace } = metadata;
  const policy = await client.get('TrafficPolicy', namespace, targetRef.name);
  if (policy === undefined) {
    return [
      `experiment ${name} waits for TrafficPolicy ${namespace}/${targetRef.name}, which does not exist`,
    ];
  }
  const accepted = policy.status.conditions?.find(({ type }) => type === 'Accepted');
  if (accepted?.status === 'False') {
    return [
      `experiment ${name} waits for TrafficPolicy ${targetRef.name} to be accepted: ${accepted.message}`,
    ];
  }
  const versions = policy.spec.versions.map((version) => version.name);
  return [control, variant]
    .filter((version) => !versions.includes(version))
    .map(
      (version) =>
        `experiment ${name} waits for version "${version}"; TrafficPolicy ${targetRef.name} has ${versions.join(', ')}`,
    );
}
