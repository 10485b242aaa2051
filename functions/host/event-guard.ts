import { CloverError } from '../lib/errors.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { podNamespace, type Environment } from './function-settings.ts';
import { createSenderGuard, type AdmitSender } from './sender-guard.ts';

/**
 * The account of agents.
 * @throws CloverError CLV_CONFIG_INVALID where `AGENT_ACCOUNT` does not say it.
 */
export function agentAccount(env: Environment): string {
  const { AGENT_ACCOUNT: account = '' } = env;
  if (account !== '') return account;
  const message =
    'AGENT_ACCOUNT: say the account of agents, as EVENTING_OIDC asks senders who they are';
  throw new CloverError('CLV_CONFIG_INVALID', message);
}

/** Whether Eventing shows a token with what it delivers, and functions ask for it: `oidc` of an installation. */
export const asksSenders = (env: Environment): boolean => env['EVENTING_OIDC'] === 'true';

/**
 * The guard of a function that Eventing alone sends to: undefined where it does not say who it is, and whoever reaches the port is taken for it.
 * `AGENT_ACCOUNT` is the account that is not Eventing's.
 * @throws CloverError CLV_CONFIG_INVALID without that, and outside a pod.
 */
export function eventGuard(
  client: KubeClient,
  name: string,
  env: Environment = process.env,
): AdmitSender | undefined {
  if (!asksSenders(env)) return undefined;
  const agents = agentAccount(env);
  return createSenderGuard({
    client,
    namespace: podNamespace(env),
    name,
    agents,
    sendersTo: () => 'eventing',
  });
}
