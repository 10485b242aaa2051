import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { agentSettings } from '../../knative/render/agent/settings.ts';
import type { CliEnv } from '../env.ts';
import type { Outcome } from './apply-objects.ts';
import { groupOf, keyOf, objectPath, titleOf, type Place } from './collections.ts';
import { deleteObject, isData, waitGoneAll } from './delete-objects.ts';
import { inventoryPlace, readInventory, writeInventory, type Inventory } from './inventory.ts';
import { leavingOf, type Origin } from './leave-namespace.ts';
import { findLive, found404 } from './live-object.ts';
import { clearMesh, meshObjects, meshPlace } from './mesh-objects.ts';
import {
  otherInstallations,
  wishesToSeeOthers,
  type OtherInstallation,
} from './other-installations.ts';
import { createPatience, patientClient } from './patience.ts';
import { demandPermissions, wishesFor } from './permissions.ts';
import { remainsOf } from './remains.ts';
import { deleteUserObjects, demandEndedRuns, demandNoneHeld, userObjects } from './user-objects.ts';

/** What becomes of users' objects, and of databases. */
export type DataChoice = 'delete' | 'keep' | 'none';

/** How Clover is to be removed. */
export interface UninstallHow {
  readonly client: KubeClient;
  readonly env: Pick<CliEnv, 'clock' | 'signal'>;
  readonly namespace: string;
  /** `none`: there has to be neither. */
  readonly data: DataChoice;
  /** With `keep`: also while runs have not ended, whose traffic then stays as it is. */
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  /** Hears what is odd, and hinders nothing. */
  readonly warn: (line: string) => void;
  readonly done: (outcome: Outcome) => void;
}

/**
 * Removes what was installed, and nothing else; undefined where nothing is. Where the inventory is gone, with its namespace, that is
 * what {@link remainsOf} finds.
 * @throws CloverError CLV_CONFLICT when there is data and it is not said what becomes of it, or it is kept while runs have not ended; CLV_KUBERNETES_FORBIDDEN,
 * CLV_DEADLINE_EXCEEDED.
 */
export async function uninstall(how: UninstallHow): Promise<readonly Outcome[] | undefined> {
  const { client, env, namespace, data } = how;
  const recorded = await readInventory(client, namespace);
  const inventory = recorded ?? (await remains(client, namespace));
  if (recorded === undefined && inventory.objects.length === 0) return undefined;
  const until = env.clock.now() + how.timeoutMs;
  await demandPermissions(client, wishesToSeeOthers);
  const { installations, doubts } = await otherInstallations(client, namespace);
  for (const line of doubts) how.warn(line);
  // While another installation is there, objects of users are its work.
  const isLast = installations.length === 0;
  const used = isLast ? await userObjects(client) : [];
  const own = inventory.objects;
  const shared = sharedWith(installations, own);
  const missed = [...used, ...(await databasesOf(client, own))];
  if (data === 'none' && missed.length > 0) throw inUse(missed);
  if (data === 'keep' && !how.force && used.length > 0) await demandEndedRuns(client);
  if (data === 'delete' && !own.some(runsFunctions)) await demandNoneHeld(client, used);
  const mesh = isLast && data !== 'keep' ? (await meshObjects(client)).map(meshPlace) : [];
  const going = own.filter(
    (place) => !shared.has(keyOf(place)) && (data !== 'keep' || !isData(place)),
  );
  const space = data === 'keep' ? undefined : own.find(({ kind }) => kind === 'Namespace');
  const leaving = space && (await leavingOf(client, space, inventory.namespace));
  await demandPermissions(client, [
    ...wishesFor([...going, inventoryPlace(namespace)], ['get', 'delete']),
    ...(data === 'delete' ? wishesFor(used, ['get', 'delete']) : []),
    ...wishesFor(mesh, ['list', 'delete']),
    ...(leaving?.wishes ?? []),
  ]);
  const outcomes: Outcome[] = [];
  const tell = (bare: Outcome): void => {
    const outcome = withSpool(bare, inventory);
    outcomes.push(outcome);
    how.done(outcome);
  };
  if (how.dryRun) {
    const all = [...used, ...mesh, ...own.toReversed()];
    for (const place of all) {
      if ((await findLive(client, place)) === undefined) continue;
      const staying = place === space ? await leaving?.plan(all) : undefined;
      tell(staying ?? keptFor(place, shared) ?? planned(place, data));
    }
    return outcomes;
  }

  const patient = patientClient(client, createPatience({ env, until, tell: how.warn }));
  await deleteUserObjects(patient, data === 'delete' ? used : [], until, env);
  if (data === 'delete') for (const place of used) tell({ place, change: 'deleted' });
  // Who works on objects goes first, then what it rests on.
  const inTurn = going.filter(({ kind }) => kind !== 'Namespace').toReversed();
  const remove = async (turn: readonly Place[]): Promise<void> => {
    for (const place of turn) {
      const outcome = await deleteObject(patient, place);
      if (outcome !== undefined) tell(outcome);
    }
    const kept = new Set(
      outcomes.filter(({ change }) => change === 'kept').map(({ place }) => place),
    );
    await waitGoneAll(
      patient,
      turn.filter((place) => !kept.has(place)),
      until,
      env,
    );
  };
  await remove(inTurn.filter((place) => !isDefinition(place)));
  if (mesh.length > 0) await clearMesh(patient);
  for (const place of mesh) tell({ place, change: 'deleted' });
  await remove(inTurn.filter(isDefinition));
  for (const outcome of own.flatMap((place) => keptFor(place, shared) ?? [])) tell(outcome);
  if (data === 'keep') {
    const left = own.filter((place) => isData(place) && !shared.has(keyOf(place)));
    for (const place of left) tell({ place, change: 'kept', why: '--keep-data' });
    if (recorded !== undefined) {
      await writeInventory(patient, namespace, { ...recorded, objects: left });
    }
    return outcomes;
  }
  if (leaving !== undefined) tell(await leaving.leave(patient, until, env));
  // Last: until here the same command goes on where it ended.
  await found404(patient.call({ method: 'DELETE', path: objectPath(inventoryPlace(namespace)) }));
  return outcomes;
}

/** What is to be removed: of an installation, or of one whose inventory is gone. */
interface Removed extends Pick<Inventory, 'objects' | 'settings'> {
  readonly namespace: Origin;
}

async function remains(client: KubeClient, namespace: string): Promise<Removed> {
  return { objects: await remainsOf(client, namespace), settings: {}, namespace: 'unknown' };
}

function isDefinition({ kind }: Place): boolean {
  return kind === 'CustomResourceDefinition';
}

function runsFunctions({ apiVersion, kind }: Place): boolean {
  return kind === 'Deployment' || groupOf(apiVersion) === 'serving.knative.dev';
}

/**
 * What other installations have made, too, by its key, and where the first of them is. One that is damaged has the definitions, which
 * every installation has under the same names.
 */
function sharedWith(
  others: readonly OtherInstallation[],
  own: readonly Place[],
): ReadonlyMap<string, string> {
  const definitions = own.filter(isDefinition);
  const entries = others
    .toReversed()
    .flatMap(({ namespace, inventory }) =>
      (inventory?.objects ?? definitions).map((place): [string, string] => [
        keyOf(place),
        namespace,
      ]),
    );
  return new Map(entries);
}

function keptFor(place: Place, shared: ReadonlyMap<string, string>): Outcome | undefined {
  const namespace = shared.get(keyOf(place));
  if (namespace === undefined) return undefined;
  return { place, change: 'kept', why: `the Clover in ${namespace} has it, too` };
}

/** Volumes with queue, evidence and records that are there. */
async function databasesOf(client: KubeClient, own: readonly Place[]): Promise<readonly Place[]> {
  const claims = own.filter(({ kind }) => kind === 'PersistentVolumeClaim');
  const live = await Promise.all(claims.map((place) => findLive(client, place)));
  return claims.filter((_, index) => live[index] !== undefined);
}

/** Spools lie on nodes, where only a pod can delete them. */
function withSpool(outcome: Outcome, { settings }: Removed): Outcome {
  const { place, change } = outcome;
  if (place.kind !== 'DaemonSet' || change !== 'deleted') return outcome;
  const { data } = withAgent.safeParse(settings);
  const folder = data?.agent.spoolFolder ?? 'the spool';
  return { ...outcome, why: `what it had not sent yet stays in ${folder} of each node` };
}

const withAgent = z.object({ agent: agentSettings });

function planned(place: Place, data: DataChoice): Outcome {
  if (data === 'keep' && (isData(place) || place.apiVersion.startsWith('clover.dev/'))) {
    return { place, change: 'kept', why: '--keep-data' };
  }
  return { place, change: 'deleted' };
}

function inUse(missed: readonly Place[]): CloverError {
  const counts = Map.groupBy(missed, ({ plural }) => plural);
  const text = [...counts].map(([plural, own]) => `${own.length} ${plural}`).join(', ');
  const details = missed.map((place) => ({
    field: `${titleOf(place)} in ${place.namespace ?? ''}`,
    message: 'is in the cluster',
  }));
  const message = `nothing was changed: there are ${text}. --keep-data leaves objects, their definitions and the databases; --delete-data deletes them for good`;
  return new CloverError('CLV_CONFLICT', message, { details });
}
