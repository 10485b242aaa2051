import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { collectionPath, groupOf, type Place } from './collections.ts';
import { isDataAlone } from './delete-objects.ts';
import { discover } from './discover.ts';
import { readInventory } from './inventory.ts';
import { findLive } from './live-object.ts';
import { readinessOf } from './readiness.ts';

/** A part of an installation that runs, or could. */
export interface PartStatus {
  readonly kind: string;
  readonly name: string;
  readonly ready: boolean;
  /** What is missing; `ready`. */
  readonly state: string;
  /** Pods of it that run now: a function that has nothing to do has none. */
  readonly pods: number;
}

/** What is installed, and what of it runs. */
export interface InstallationStatus {
  readonly namespace: string;
  readonly version: string;
  /** Of Kubernetes. */
  readonly kubernetes: string;
  /** Functions are Knative Services; else they are in one process. */
  readonly knative: boolean;
  /** In the order of installing. */
  readonly parts: readonly PartStatus[];
}

const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
      status: z.object({ phase: z.string().default('') }).prefault({}),
    }),
  ),
});

const label = 'app.kubernetes.io/name';

/**
 * Looks at an installation; changes nothing.
 * @throws CloverError CLV_NOT_FOUND where there is none, or nothing but data that was kept.
 */
export async function installationStatus(
  client: KubeClient,
  namespace: string,
): Promise<InstallationStatus> {
  const inventory = await readInventory(client, namespace);
  if (inventory === undefined) {
    const message = `there is no Clover in ${namespace}: "cloverctl install" makes one, -n names another namespace`;
    throw new CloverError('CLV_NOT_FOUND', message);
  }
  if (isDataAlone(inventory.objects)) {
    const message = `Clover ${inventory.version} was removed from ${namespace}, and its data kept: "cloverctl install" goes on with it, "cloverctl uninstall --delete-data" deletes it`;
    throw new CloverError('CLV_NOT_FOUND', message);
  }
  const running = await runningPods(client, namespace);
  const parts = await Promise.all(
    inventory.objects.filter(runs).map(async (place): Promise<PartStatus> => {
      const { kind, name } = place;
      const { ready, text } = readinessOf(kind, await findLive(client, place));
      return { kind, name, ready, state: text, pods: running.get(name) ?? 0 };
    }),
  );
  const { version, settings } = inventory;
  const { version: kubernetes } = await discover(client);
  return { namespace, version, kubernetes, knative: settings['knative'] === true, parts };
}

/** Whether pods belong to an object, as long as there is something to do. */
function runs({ apiVersion, kind }: Place): boolean {
  return (
    kind === 'DaemonSet' || kind === 'Deployment' || groupOf(apiVersion) === 'serving.knative.dev'
  );
}

/** How many pods of each part run. */
async function runningPods(
  client: KubeClient,
  namespace: string,
): Promise<ReadonlyMap<string, number>> {
  const path = collectionPath({ apiVersion: 'v1', plural: 'pods', namespace });
  const labelSelector = `app.kubernetes.io/instance=${namespace}`;
  const { items } = pods.parse(
    await client.call({ method: 'GET', path, query: { labelSelector } }),
  );
  const names = items
    .filter(({ status }) => status.phase === 'Running')
    .map(({ metadata }) => metadata.labels[label] ?? '');
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}
