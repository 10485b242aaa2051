import { isRecord } from '../../functions/lib/plain-value.ts';
import type { Installation } from '../../knative/render/installation.ts';
import type { Settings } from './settings.ts';

/** Whether somebody says a setting, by its dotted name. */
export function isSaid(settings: Settings, name: string): boolean {
  let value: unknown = settings;
  for (const key of name.split('.')) value = isRecord(value) ? value[key] : undefined;
  return value !== undefined && value !== null;
}

/** What is taken for settings that a cluster would tell, where none is asked and nobody says them: a line for each. */
export function unsaidSettings(
  { knative, controlPlane, agent }: Installation,
  said: Settings,
): readonly string[] {
  const ofKnative = {
    knative:
      'false, all functions in one process; with Knative Serving and Eventing say --set knative=true',
  };
  // Spans of a gateway that carries spans would make more of them for ever.
  const ofGateways = {
    'agent.untapped': `[${agent.untapped.join(', ')}]; where the gateways of Serving's network layer are elsewhere, say all of them with --set agent.untapped=[NAMESPACE, ...]`,
  };
  const ofMesh = {
    'controlPlane.istio':
      'false, and nobody programs a mesh; with Istio say --set controlPlane.istio=true',
  };
  const ofProcess = {
    ...(controlPlane.storageClass === undefined && {
      'controlPlane.persistent':
        'true, on a volume of the default StorageClass; where there is none say a class with --set controlPlane.storageClass=NAME, or --set controlPlane.persistent=false',
    }),
  };
  const taken = {
    ...ofKnative,
    ...ofMesh,
    ...(knative ? agent.enabled && ofGateways : ofProcess),
  };
  return Object.entries(taken)
    .filter(([name]) => !isSaid(said, name))
    .map(([name, text]) => `${name} is not said, and no cluster is asked: it is ${text}`);
}
