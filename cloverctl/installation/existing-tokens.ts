import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import {
  agentTokenSecretOf,
  tokenSecretOf,
  type SecretKey,
} from '../../knative/render/control-plane/token-secrets.ts';
import type { Installation } from '../../knative/render/installation.ts';
import type { Tokens } from '../../knative/render/tokens.ts';
import { readSecret } from './read-secret.ts';

/** The tokens that the control plane has already: others would lock out whoever knows them. */
export async function existingTokens(
  client: KubeClient,
  installation: Installation,
): Promise<Partial<Tokens>> {
  const { agent, controlPlane, knative, namespace } = installation;
  if (knative) return {};
  const read = (where: SecretKey) => readSecret(client, namespace, where);
  const callers =
    controlPlane.tokenSecret === undefined ? await read(tokenSecretOf(installation)) : undefined;
  const agents =
    agent.tokenSecret === undefined ? await read(agentTokenSecretOf(installation)) : undefined;
  return {
    ...(callers !== undefined && { callers }),
    ...(agents !== undefined && { agents }),
  };
}
