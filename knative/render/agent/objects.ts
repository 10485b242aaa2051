import { accessObjects, type Account } from '../access.ts';
import type { Installation } from '../installation.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { agentConfiguration } from './configuration.ts';
import { agentDaemonSet } from './daemon-set.ts';
import { agent } from './names.ts';

/** It reads pods, Services and Taps, and writes nothing. */
const account: Account = {
  name: agent,
  access: [{ kind: 'Tap', verbs: ['list', 'watch'] }],
  others: ['pods', 'services'].map((resource) => ({
    group: '',
    resource,
    verbs: ['list', 'watch'],
  })),
};

/** Everything of the agents, in the order in which it can be applied; nothing where the installation has none. */
export function agentObjects(installation: Installation): KubernetesObject[] {
  if (!installation.agent.enabled) return [];
  const configuration = agentConfiguration(installation);
  return [
    ...accessObjects(installation, [account]),
    configuration,
    agentDaemonSet(installation, configuration),
  ];
}
