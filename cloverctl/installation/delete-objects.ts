import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { CliEnv } from '../env.ts';
import type { Outcome } from './apply-objects.ts';
import { objectPath, titleOf, type Place } from './collections.ts';
import { findLive, found404 } from './live-object.ts';

const pollMs = 250;

/** Kinds that hold what users would miss: nothing but an order to do so deletes them. */
export function isData({ kind }: Pick<Place, 'kind'>): boolean {
  return ['CustomResourceDefinition', 'Namespace', 'PersistentVolumeClaim'].includes(kind);
}

/** Whether nothing of an installation is left but data that was kept. */
export function isDataAlone(objects: readonly Place[]): boolean {
  return objects.every((place) => isData(place));
}

/** Deletes an object if it is still Clover's; one that is gone is no error. */
export async function deleteObject(client: KubeClient, place: Place): Promise<Outcome | undefined> {
  const live = await findLive(client, place);
  if (live === undefined) return undefined;
  const { uid, labels } = live.metadata;
  if (labels['app.kubernetes.io/part-of'] !== 'clover') {
    return { place, change: 'kept', why: 'it is not marked as Clover’s any more' };
  }
  await found404(
    client.call({
      method: 'DELETE',
      path: objectPath(place),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid },
        propagationPolicy: 'Background',
      },
    }),
  );
  return { place, change: 'deleted' };
}

/**
 * Resolves when none of them is there any more.
 * @param until Unix milliseconds.
 * @throws CloverError CLV_DEADLINE_EXCEEDED naming what is, and the finalizers that hold it.
 */
export async function waitGoneAll(
  client: KubeClient,
  places: readonly Place[],
  until: number,
  env: Pick<CliEnv, 'clock' | 'signal'>,
): Promise<void> {
  let waiting = places;
  for (;;) {
    const there = await Promise.all(
      waiting.map(async (place) => ({ place, live: await findLive(client, place) })),
    );
    const left = there.filter(({ live }) => live !== undefined);
    if (left.length === 0) return;
    if (env.clock.now() >= until) {
      const details = left.map(({ place, live }) => ({
        field: `${titleOf(place)}${place.namespace === undefined ? '' : ` in ${place.namespace}`}`,
        message: heldBy(live?.metadata['finalizers']),
      }));
      const message = `${left.length} objects are still there; the same command goes on from here`;
      throw new CloverError('CLV_DEADLINE_EXCEEDED', message, { details });
    }
    waiting = left.map(({ place }) => place);
    await env.clock.sleep(pollMs, env.signal);
  }
}

function heldBy(finalizers: unknown): string {
  const found: unknown[] = Array.isArray(finalizers) ? finalizers : [];
  const names = found.map(String);
  return names.length === 0
    ? 'is being deleted'
    : `is held by ${names.join(', ')}: whoever put that there has to let go`;
}
