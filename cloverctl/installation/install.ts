import { CloverError } from '../../functions/lib/errors.ts';
import { version } from '../../functions/lib/version.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { Installation } from '../../knative/render/installation.ts';
import type { KubernetesObject } from '../../knative/render/kubernetes-object.ts';
import { randomTokens } from '../../knative/render/tokens.ts';
import { renderInstallation } from '../../knative/render/render-installation.ts';
import type { CliEnv } from '../env.ts';
import { applyObject, boundAmong, planObjects, type Outcome } from './apply-objects.ts';
import { placeOf, type Place } from './collections.ts';
import { completed } from './completed-settings.ts';
import { deleteObject, isData, waitGoneAll } from './delete-objects.ts';
import { demandKubernetes, demandParts } from './demand-cluster.ts';
import { discover, type Findings } from './discover.ts';
import { dispatcherRestart } from './dispatcher-restart.ts';
import { droppedSettings, withoutPaths } from './dropped-settings.ts';
import { existingTokens } from './existing-tokens.ts';
import {
  inventoryPlace,
  readInventory,
  union,
  without,
  writeInventory,
  type Inventory,
} from './inventory.ts';
import { findLive } from './live-object.ts';
import { createPatience, patientClient } from './patience.ts';
import { otherInstallations, wishesToSeeOthers } from './other-installations.ts';
import { demandPermissions, wishesFor } from './permissions.ts';
import {
  checkedInstallation,
  chosenSettings,
  merge,
  withoutNulls,
  type SettingsOptions,
} from './settings.ts';
import { isSaid } from './unsaid-settings.ts';
import { demandStep } from './version-skew.ts';
import { hasVolatileDatabases, volatileDatabases } from './volatile-databases.ts';

/** For a namespace to be gone that was made a moment ago. */
const goneWithinMs = 60_000;

/** How Clover is to be installed. */
export interface InstallHow extends SettingsOptions {
  readonly client: KubeClient;
  readonly env: Pick<CliEnv, 'clock' | 'signal'>;
  readonly namespace: string;
  /** What is there is to be brought to this version; else nothing of another version may be there. */
  readonly upgrade: boolean;
  /** Any version over any other. */
  readonly force: boolean;
  readonly forceConflicts: boolean;
  /** Say what would change, by the API server's account. */
  readonly dryRun: boolean;
  /** How long an API server may be away once something has been changed. */
  readonly timeoutMs: number;
  /** Hears what was found, before anything is changed. */
  readonly found: (findings: Findings, installation: Installation) => void;
  /** Hears what is allowed, and may not be meant. */
  readonly warn: (line: string) => void;
  /** Hears each outcome as it comes. */
  readonly done: (outcome: Outcome) => void;
  /** Resolves when what was applied is ready, if that is to be waited for. */
  readonly applied: (places: readonly Place[], installation: Installation) => Promise<void>;
}

/** What was installed. */
export interface Installed {
  readonly findings: Findings;
  readonly installation: Installation;
  readonly outcomes: readonly Outcome[];
}

/**
 * Installs Clover, or brings what is installed to what is wished. Nothing is changed before all is known to be allowed and taken, but
 * that a namespace that is not there is made for the trial, and deleted again if anything is refused.
 * @throws CloverError CLV_CONFLICT, CLV_NOT_FOUND, CLV_ARGUMENT_INVALID, CLV_KUBERNETES_FORBIDDEN, CLV_KUBERNETES_UNREACHABLE.
 */
export async function install(how: InstallHow): Promise<Installed> {
  const { client, namespace } = how;
  const findings = await discover(client);
  demandKubernetes(findings);
  const before = await readIfAllowed(client, namespace);
  demandVersion(before, how);
  const said = chosenSettings(how);
  const dropped = droppedSettings(before?.settings ?? {});
  for (const path of dropped) {
    how.warn(`${path.join('.')} is no setting of ${version} any more: what was said is dropped`);
  }
  // A file that says them still is no typing error.
  const merged = withoutPaths(merge(before?.settings ?? {}, said), dropped);
  const settings = completed(withoutNulls(merged), findings);
  const knative = settings['knative'] === true;
  const installation = checkedInstallation(settings, { namespace, knative });
  how.found(findings, installation);
  demandParts(findings, installation);
  if (!knative && (findings.serving === undefined) !== (findings.eventing === undefined)) {
    const lacks = findings.serving === undefined ? 'Serving' : 'Eventing';
    how.warn(`Knative ${lacks} is not there: all functions are in one process, and stay so`);
  }
  if (hasVolatileDatabases(settings) && !isSaid(said, 'controlPlane.persistent')) {
    how.warn(`${volatileDatabases.found}; ${volatileDatabases.fix}`);
  }

  const places = renderInstallation(installation, { callers: '', agents: '' }).map((object) =>
    placeOf(object),
  );
  const inventory = inventoryPlace(namespace);
  const old = before === undefined ? [] : without(before.objects, places);
  await demandPermissions(client, [
    ...wishesFor([...places, inventory], ['get', 'create', 'patch']),
    ...wishesFor(
      old.filter((place) => !isData(place)),
      ['get', 'delete'],
    ),
    ...wishesToSeeOthers,
  ]);
  await demandAlone(how);
  const tokens = { ...randomTokens(), ...(await existingTokens(client, installation)) };
  const objects = renderInstallation(installation, tokens);
  const apply = { client, force: how.forceConflicts };
  const plan = await planObjects(apply, objects);
  // Said before it is done: an upgrade that ends early finds nothing to change the next time.
  const restart = await dispatcherRestart(client, objects);
  if (restart !== undefined) how.warn(restart);
  if (how.dryRun) {
    const outcomes = [...plan, ...(await planned(client, old))];
    for (const outcome of outcomes) how.done(outcome);
    return { findings, installation, outcomes };
  }

  const isNew = plan[0]?.change === 'created';
  if (isNew) await demandPermissions(client, wishesFor(places.slice(0, 1), ['delete']));
  const origin = before?.namespace ?? (isNew ? 'made' : 'found');
  const state = { version, settings, namespace: origin } as const;
  const outcomes: Outcome[] = [];
  const tell = (outcome: Outcome): void => {
    outcomes.push(outcome);
    how.done(outcome);
  };
  const isBound = boundAmong(objects);
  const applying = patient(how);
  for (const [index, object] of objects.entries()) {
    tell(await applyObject({ client: applying, force: apply.force || isBound(object) }, object));
    if (index > 0) continue;
    // The namespace stands. What is made from here on is known to the inventory before it is there.
    const objectsThen = union(places, before?.objects ?? []);
    await writeInventory(applying, namespace, { ...state, objects: objectsThen });
    if (isNew) await tryInNewNamespace({ ...how, client: applying }, objects, tell);
  }
  const kept: Place[] = [];
  const remove = async (from: KubeClient, gone: readonly Place[]): Promise<void> => {
    for (const place of gone.toReversed()) {
      const outcome = isData(place) ? keptData(place) : await deleteObject(from, place);
      if (outcome?.change === 'kept' && isData(place)) kept.unshift(place);
      if (outcome !== undefined) tell(outcome);
    }
  };
  await remove(
    applying,
    old.filter((place) => !leadsEvents(place)),
  );
  await how.applied(places, installation);
  // Until now there were those who send as before, and a broker takes what no Trigger leads anywhere.
  const ending = patient(how);
  await remove(
    ending,
    old.filter((place) => leadsEvents(place)),
  );
  await writeInventory(ending, namespace, { ...state, objects: union(places, kept) });
  return { findings, installation, outcomes };
}

function patient({ client, env, timeoutMs, warn }: InstallHow): KubeClient {
  const until = env.clock.now() + timeoutMs;
  return patientClient(client, createPatience({ env, until, tell: warn }));
}

/** What is in a namespace can only be tried when that is there: it goes again if anything is refused. */
async function tryInNewNamespace(
  { client, env, forceConflicts }: InstallHow,
  objects: readonly KubernetesObject[],
  tell: (outcome: Outcome) => void,
): Promise<void> {
  try {
    await planObjects({ client, force: forceConflicts }, objects);
  } catch (error) {
    const made = objects.slice(0, 1).map((object) => placeOf(object));
    for (const place of made)
      tell((await deleteObject(client, place)) ?? { place, change: 'deleted' });
    await waitGoneAll(client, made, env.clock.now() + goneWithinMs, env);
    throw error;
  }
}

/** What one may not read is asked for again, with all the other permissions. */
async function readIfAllowed(
  client: KubeClient,
  namespace: string,
): Promise<Inventory | undefined> {
  try {
    return await readInventory(client, namespace);
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_KUBERNETES_FORBIDDEN') return undefined;
    throw error;
  }
}

/** Definitions, objects of users and what is written into the mesh are of the whole cluster: two would work on the same ones. */
async function demandAlone({ client, namespace, warn }: InstallHow): Promise<void> {
  const { installations, doubts } = await otherInstallations(client, namespace);
  for (const line of doubts) warn(line);
  const [other] = installations;
  if (other === undefined) return;
  const message = `nothing was changed: Clover is in ${other.namespace} already, and a cluster has one. "cloverctl upgrade -n ${other.namespace}" changes that one; "cloverctl uninstall -n ${other.namespace}" removes it, with --keep-data if ${namespace} is to go on with its objects`;
  throw new CloverError('CLV_CONFLICT', message);
}

function demandVersion(
  before: Inventory | undefined,
  { upgrade, force, namespace }: InstallHow,
): void {
  if (before === undefined) {
    if (!upgrade) return;
    const message = `there is no Clover in ${namespace}: "cloverctl install" makes one, -n names another namespace`;
    throw new CloverError('CLV_NOT_FOUND', message);
  }
  if (!force) demandStep(before.version, version);
  if (upgrade || before.version === version) return;
  const message = `Clover ${before.version} is in ${namespace}, and this is ${version}: see "cloverctl upgrade"`;
  throw new CloverError('CLV_CONFLICT', message);
}

function leadsEvents({ apiVersion }: Place): boolean {
  return apiVersion.startsWith('eventing.knative.dev/');
}

function keptData(place: Place): Outcome {
  return { place, change: 'kept', why: 'it may hold data; delete it by hand' };
}

async function planned(client: KubeClient, old: readonly Place[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const place of old.toReversed()) {
    if ((await findLive(client, place)) === undefined) continue;
    outcomes.push(isData(place) ? keptData(place) : { place, change: 'deleted' });
  }
  return outcomes;
}
