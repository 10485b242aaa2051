import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { kinds } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { collectionPath, objectPath, type Place } from './collections.ts';
import { waitGoneAll } from './delete-objects.ts';
import { found404 } from './live-object.ts';
import type { CliEnv } from '../env.ts';

const list = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string() }) })),
});

/** Objects of Clover's kinds in all namespaces, those that others rest on behind them. */
export async function userObjects(client: KubeClient): Promise<readonly Place[]> {
  const found = await Promise.all(
    kinds.map(async ({ kind, plural }) => {
      const path = collectionPath({ apiVersion, plural });
      const answer = await found404(client.call({ method: 'GET', path }));
      return list
        .parse(answer ?? { items: [] })
        .items.map(({ metadata: { namespace, name } }): Place => ({
          apiVersion,
          kind,
          plural,
          namespace,
          name,
        }));
    }),
  );
  return found.flat();
}

/**
 * Deletes them while the control plane is there, which has to let go of some: an Experiment takes its traffic back first.
 * @param until Unix milliseconds.
 * @throws CloverError CLV_DEADLINE_EXCEEDED naming what is held, and by what.
 */
export async function deleteUserObjects(
  client: KubeClient,
  places: readonly Place[],
  until: number,
  env: Pick<CliEnv, 'clock' | 'signal'>,
): Promise<void> {
  // By kind: an Experiment's end still needs its TrafficPolicy.
  for (const { kind } of kinds) {
    const own = places.filter((place) => place.kind === kind);
    for (const place of own) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
      await found404(client.call({ method: 'DELETE', path: objectPath(place), body }));
    }
    await waitGoneAll(client, own, until, env);
  }
}
