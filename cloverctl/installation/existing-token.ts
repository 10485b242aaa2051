import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { tokenSecretOf } from '../../knative/render/control-plane/names.ts';
import type { Installation } from '../../knative/render/installation.ts';
import { objectPath } from './collections.ts';
import { found404 } from './live-object.ts';

const secret = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** The token that the control plane has already: another one would lock out whoever knows it. */
export async function existingToken(
  client: KubeClient,
  installation: Installation,
): Promise<string | undefined> {
  const { name, key } = tokenSecretOf(installation);
  const { namespace } = installation;
  const path = objectPath({ apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespace, name });
  const asksForIt = !installation.knative && installation.controlPlane.tokenSecret === undefined;
  if (!asksForIt) return undefined;
  const found = await found404(client.call({ method: 'GET', path }));
  const value = found === undefined ? undefined : secret.parse(found).data[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
}
