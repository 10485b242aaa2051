import type { ApiClient } from '../functions/api/client.ts';
import type { AnyResource } from '../knative/resources/kinds.ts';

/** What is allowed, and yet probably not meant: an experiment on what does not exist. */
export async function warnings(client: ApiClient, object: AnyResource): Promise<string[]> {
  if (object.kind !== 'Experiment') return [];
  const { targetRef, control, variant } = object.spec;
  const { name, namespace } = object.metadata;
  const policy = await client.get('TrafficPolicy', namespace, targetRef.name);
  if (policy === undefined) {
    return [
      `experiment ${name} waits for TrafficPolicy ${namespace}/${targetRef.name}, which does not exist`,
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
