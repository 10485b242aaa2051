import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { SecretKey } from '../../knative/render/control-plane/token-secrets.ts';
import { objectPath } from './collections.ts';
import { found404 } from './live-object.ts';

const secret = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** The text of a key of a Secret; undefined where there is none. */
export async function readSecret(
  client: KubeClient,
  namespace: string,
  { name, key }: SecretKey,
): Promise<string | undefined> {
  const place = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespace, name };
  const found = await found404(client.call({ method: 'GET', path: objectPath(place) }));
  const value = found === undefined ? undefined : secret.parse(found).data[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
}
