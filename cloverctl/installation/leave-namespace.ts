import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { CliEnv } from '../env.ts';
import type { Outcome } from './apply-objects.ts';
import { keyOf, objectPath, titleOf, type Place } from './collections.ts';
import { deleteObject, waitGoneAll } from './delete-objects.ts';
import { inventoryPlace, type Inventory } from './inventory.ts';
import { contentsOf, namespacedKinds } from './namespace-contents.ts';
import { wishesFor, type Wish } from './permissions.ts';

/** Where a namespace came from. */
export type Origin = Inventory['namespace'] | 'unknown';

/** How Clover leaves its namespace, which goes only if it came with Clover and nobody has put anything else there. */
export interface Leaving {
  /** What that takes. */
  readonly wishes: readonly Wish[];
  /** What would become of the namespace, if these were not there; undefined: it would go. */
  plan(without: readonly Place[]): Promise<Outcome | undefined>;
  /**
   * Deletes it, or takes back what was Clover's of it.
   * @param until Unix milliseconds.
   * @throws CloverError CLV_DEADLINE_EXCEEDED when it does not go.
   */
  leave(client: KubeClient, until: number, env: Pick<CliEnv, 'clock' | 'signal'>): Promise<Outcome>;
}

const foreign = {
  found: 'it was there before',
  unknown: 'nobody knows whether it came with Clover',
} as const;

/** Finds out what may be in the namespace, as long as nothing is changed. */
export async function leavingOf(
  client: KubeClient,
  space: Place,
  origin: Origin,
): Promise<Leaving> {
  const { name: namespace } = space;
  const { kinds, silent } =
    origin === 'made' ? await namespacedKinds(client) : { kinds: [], silent: [] };
  const reasonToStay = async (
    asked: KubeClient,
    without: readonly Place[],
  ): Promise<string | undefined> => {
    if (origin !== 'made') return foreign[origin];
    if (silent.length > 0) {
      return `nobody knows what it has of ${silent.join(', ')}: the server of that does not answer`;
    }
    const gone = new Set([...without, inventoryPlace(namespace)].map(keyOf));
    const others = (await contentsOf(asked, namespace, kinds)).filter(
      (other) => !gone.has(keyOf(other)),
    );
    if (others.length === 0) return undefined;
    return `it has ${others.map((other) => titleOf(other)).join(', ')}`;
  };
  return {
    wishes: [
      ...wishesFor([space], ['patch']),
      ...wishesFor(
        kinds.map(({ apiVersion, kind, plural }) => ({
          apiVersion,
          kind,
          plural,
          namespace,
          name: '',
        })),
        ['list'],
      ),
    ],
    async plan(without) {
      const why = await reasonToStay(client, without);
      return why === undefined ? undefined : { place: space, change: 'kept', why };
    },
    async leave(patient, until, env) {
      const why = await reasonToStay(patient, []);
      if (why === undefined) {
        const outcome = await deleteObject(patient, space);
        if (outcome?.change !== 'kept') await waitGoneAll(patient, [space], until, env);
        return outcome ?? { place: space, change: 'deleted' };
      }
      // An apply of nothing takes back the labels that were ours.
      const { apiVersion, kind } = space;
      await patient.call({
        method: 'PATCH',
        path: objectPath(space),
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'cloverctl', force: 'true' },
        body: { apiVersion, kind, metadata: { name: namespace } },
      });
      return { place: space, change: 'kept', why };
    },
  };
}
