import { readLive, type LiveObject } from '../../functions/mesh/istio/live-objects.ts';
import { virtualService } from '../../functions/mesh/istio/objects.ts';
import { deleteObject } from '../../functions/mesh/istio/write-object.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { Place } from './collections.ts';
import { found404 } from './live-object.ts';

/** What Clover has put into Istio; nothing where there is no Istio. */
export async function meshObjects(client: KubeClient): Promise<readonly LiveObject[]> {
  // Who may not list what is not served is refused, and not told that it is not there.
  const path = `/apis/${virtualService.apiVersion}`;
  if ((await found404(client.call({ method: 'GET', path }))) === undefined) return [];
  const live = await readLive(client);
  return 'missing' in live ? [] : live.objects;
}

/**
 * Takes out of Istio what the control plane has not taken out before its own end: it leaves versions and faults for some seconds
 * after their routes, and the tick that would take them does not come any more.
 */
export async function clearMesh(client: KubeClient): Promise<void> {
  // Routes are the first of them: no proxy is left with one to a version that is not there.
  for (const object of await meshObjects(client)) await deleteObject(client, object);
}

/** Where such an object is. */
export function meshPlace({
  kind: { apiVersion, kind, plural },
  namespace,
  name,
}: LiveObject): Place {
  return { apiVersion, kind, plural, namespace, name };
}
