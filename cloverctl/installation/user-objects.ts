import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import { isFinal } from '../../functions/lib/final-phase.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { phase } from '../../knative/resources/experiment.ts';
import { kinds } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { collectionPath, objectPath, type Place } from './collections.ts';
import { waitGoneAll } from './delete-objects.ts';
import { findLive, found404 } from './live-object.ts';
import type { CliEnv } from '../env.ts';

const runList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      status: z.object({ phase: phase.default('Pending') }).prefault({}),
    }),
  ),
});

const list = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string() }) })),
});

const held = z.object({ metadata: z.object({ finalizers: z.array(z.string()).min(1) }) });

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
 * Refuses to leave traffic to nobody: what a run has split or disturbed stays so until something ends the run.
 * @throws CloverError CLV_CONFLICT naming each run that has not ended.
 */
export async function demandEndedRuns(client: KubeClient): Promise<void> {
  const path = collectionPath({ apiVersion, plural: 'experimentruns' });
  const answer = await found404(client.call({ method: 'GET', path }));
  const { items } = runList.parse(answer ?? { items: [] });
  const details = items
    .filter(({ status }) => !isFinal(status.phase))
    .map(({ metadata, status }) => ({
      field: `ExperimentRun ${metadata.name} in ${metadata.namespace}`,
      message: `is ${status.phase}`,
    }));
  if (details.length === 0) return;
  const message = `nothing was changed: ${details.length} ${details.length === 1 ? 'run has' : 'runs have'} not ended, and nobody would end the splits and faults that they have put into force. Delete their Experiments, which takes the traffic back, or wait; --force leaves it as it is`;
  throw new CloverError('CLV_CONFLICT', message, { details });
}

/**
 * Refuses to wait for somebody who is not there: an Experiment that holds traffic goes only when a control plane has taken that back.
 * @throws CloverError CLV_CONFLICT naming each that is held.
 */
export async function demandNoneHeld(client: KubeClient, places: readonly Place[]): Promise<void> {
  const live = await Promise.all(
    places.map(async (place) => ({ place, object: await findLive(client, place) })),
  );
  const details = live
    .filter(({ object }) => held.safeParse(object).success)
    .map(({ place: { kind, name, namespace = '' } }) => ({
      field: `${kind} ${name} in ${namespace}`,
      message: 'has traffic that nobody is there to take back',
    }));
  if (details.length === 0) return;
  const message = `nothing was changed: the control plane is not there, and ${details.length} ${details.length === 1 ? 'object waits' : 'objects wait'} for it. "cloverctl install" brings it back; then the same command goes on`;
  throw new CloverError('CLV_CONFLICT', message, { details });
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
