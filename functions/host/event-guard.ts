import type { KubeClient } from '../resources/kubernetes/client.ts';
import { podNamespace, type Environment } from './function-settings.ts';
import { createSenderGuard, type AdmitSender } from './sender-guard.ts';

/** Whether Eventing shows a token with what it delivers, and functions ask for it: `oidc` of an installation. */
export const isEventingKnown = (env: Environment): boolean => env['EVENTING_OIDC'] === 'true';

/**
 * The guard of a function that Eventing alone sends to: undefined where it does not say who it is, and whoever reaches the port is taken for it.
 * `AGENT_ACCOUNT` is the account that is not Eventing's.
 * @throws CloverError CLV_CONFIG_INVALID outside a pod.
 */
export function eventGuard(
  client: KubeClient,
  name: string,
  env: Environment = process.env,
): AdmitSender | undefined {
  const agents = env['AGENT_ACCOUNT'];
  if (!isEventingKnown(env) || agents === undefined) return undefined;
  return createSenderGuard({
    client,
    namespace: podNamespace(env),
    name,
    agents,
    sendersTo: () => 'eventing',
  });
}
