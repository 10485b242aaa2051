import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import {
  agentTokenSecretOf,
  tokenSecretOf,
  type SecretKey,
} from '../../knative/render/control-plane/token-secrets.ts';
import type { Installation } from '../../knative/render/installation.ts';
import type { Tokens } from '../../knative/render/tokens.ts';
import { objectPath } from './collections.ts';
import { found404 } from './live-object.ts';

const secret = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** The tokens that the control plane has already: others would lock out whoever knows them. */
export async function existingTokens(
  client: KubeClient,
  installation: Installation,
): Promise<Partial<Tokens>> {
  const { agent, controlPlane, knative, namespace } = installation;
  if (knative) return {};
  const read = async ({ name, key }: SecretKey): Promise<string | undefined> => {
    const place = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespace, name };
    const found = await found404(client.call({ method: 'GET', path: objectPath(place) }));
    const value = found === undefined ? undefined : secret.parse(found).data[key];
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
  };
  const callers =
    controlPlane.tokenSecret === undefined ? await read(tokenSecretOf(installation)) : undefined;
  const agents =
    agent.tokenSecret === undefined ? await read(agentTokenSecretOf(installation)) : undefined;
  return {
    ...(callers !== undefined && { callers }),
    ...(agents !== undefined && { agents }),
  };
}
