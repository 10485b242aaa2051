import type { V1Service } from '@kubernetes/client-node';
import { accessObjects, type Account } from '../access.ts';
import { reviews, type OtherAccess } from '../function-table.ts';
import type { Installation } from '../installation.ts';
import {
  namespaced,
  selectorOf,
  type KubernetesObject,
  type Rendered,
} from '../kubernetes-object.ts';
import { agentConfiguration } from './configuration.ts';
import { agentDaemonSet } from './daemon-set.ts';
import { agent } from './names.ts';

/** It reads pods, Services and Taps, and writes nothing. */
const account: Account & { readonly others: readonly OtherAccess[] } = {
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
  const { metricsPort } = installation.agent;
  const own =
    metricsPort === undefined ? account : { ...account, others: [...account.others, ...reviews] };
  return [
    ...accessObjects(installation, [own]),
    configuration,
    ...(metricsPort === undefined ? [] : [metricsService(installation, metricsPort)]),
    agentDaemonSet(installation, configuration),
  ];
}

/** By it a Prometheus finds the agents, each at its node's address; pods of the node's network declare no ports that it could go by. */
function metricsService(installation: Installation, port: number): Rendered<V1Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: namespaced(installation, 'agent', agent, agent),
    spec: {
      clusterIP: 'None',
      selector: selectorOf(installation, agent),
      ports: [{ name: 'metrics', port }],
    },
  };
}
