import { accessObjects } from './access.ts';
import { admissionObjects } from './admission/objects.ts';
import { agentObjects } from './agent/objects.ts';
import { apiServerSource } from './api-server-source.ts';
import { brokers } from './broker.ts';
import { controlPlaneObjects } from './control-plane/objects.ts';
import { customResourceDefinitions } from './custom-resource-definitions.ts';
import { eventPolicies } from './event-policy.ts';
import { deployedFunctions } from './function-table.ts';
import type { Installation } from './installation.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { namespaceObject } from './namespace.ts';
import { functionPolicy } from './network-policy.ts';
import { webhookTriggers } from './notifications.ts';
import { pingSources } from './ping-source.ts';
import { functionService } from './service.ts';
import { sendersOf, sinkBinding, type Sender } from './sink-binding.ts';
import type { Tokens } from './tokens.ts';
import { tickAccess } from './tick-access.ts';
import { functionTriggers } from './trigger.ts';
import { userRoles } from './user-roles.ts';

/**
 * Everything that Clover is on a cluster, in the order in which it can be applied. The same installation always gives the same.
 * @param tokens of the control plane in one process, those for which the installation does not name a Secret.
 */
export function renderInstallation(
  installation: Installation,
  tokens?: Tokens,
): KubernetesObject[] {
  return [
    namespaceObject(installation),
    ...customResourceDefinitions(installation),
    ...(installation.knative
      ? knativeObjects(installation)
      : controlPlaneObjects(installation, tokens)),
    ...userRoles(installation),
    ...admissionObjects(installation),
    ...agentObjects(installation),
  ];
}

/**
 * The functions on Knative: who is bound to a sink comes after the binding, and who sends events after those who take them. Agents that
 * run already send to another broker as soon as their binding says so.
 */
function knativeObjects(installation: Installation): KubernetesObject[] {
  const senders = Object.groupBy(sendersOf(installation), ({ subject }) => subject.kind);
  const bindings = (those: readonly Sender[] = []): KubernetesObject[] =>
    those.map((sender) => sinkBinding(installation, sender));
  return [
    ...accessObjects(installation),
    ...tickAccess(installation),
    ...functionPolicy(installation),
    ...brokers(installation),
    ...eventPolicies(installation),
    ...bindings(senders['Service']),
    ...deployedFunctions.map((deployed) => functionService(installation, deployed)),
    ...deployedFunctions.flatMap((deployed) => functionTriggers(installation, deployed)),
    ...webhookTriggers(installation),
    ...bindings(senders['DaemonSet']),
    apiServerSource(installation),
    ...deployedFunctions.flatMap((deployed) => pingSources(installation, deployed)),
  ];
}
