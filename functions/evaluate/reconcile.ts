import type { ExperimentRun } from '../../knative/resources/experiment-run.ts';
import type { Experiment } from '../../knative/resources/experiment.ts';
import type { TrafficPolicy } from '../../knative/resources/traffic-policy.ts';
import { isFinal } from '../lib/final-phase.ts';
import { statusOf } from '../lib/conditions.ts';
import { CloverError } from '../lib/errors.ts';
import { mirrorStatus, sameStatus, type Mirror } from './mirror.ts';
import { resolveRefs } from './overlay.ts';
import { stepRun, type StepContext } from './step-run.ts';

/** Keeps an Experiment until its overlay is given back. */
export const overlayFinalizer = 'clover.dev/overlay';

/** Runs of earlier generations that an Experiment keeps, as a Deployment keeps its ReplicaSets unless it is told otherwise. */
export const keptRuns = 10;

/**
 * Brings one experiment as far as it can go now: references, run, looks, roll-back, mirror. Level
 * triggered: what woke it does not matter, and doing it again changes nothing.
 *
 * @throws CloverError CLV_CONFLICT when someone else wrote meanwhile: reconcile again.
 */
export async function reconcile(
  context: StepContext,
  namespace: string,
  name: string,
): Promise<void> {
  const { resources } = context;
  const experiment = await resources.get('Experiment', namespace, name);
  const fields = { 'spec.experiment.name': name };
  const all = (await resources.list('ExperimentRun', namespace, { fields })).items;
  const uid = experiment?.metadata.uid;
  const others = all.filter(({ spec }) => spec.experiment.uid !== uid);
  await dropStrays(context, others);
  if (experiment === undefined) return;
  const policy = await resources.get('TrafficPolicy', namespace, experiment.spec.targetRef.name);
  const runs = runsOf(experiment, all);
  if (experiment.metadata.deletionTimestamp !== undefined) {
    return remove(context, experiment, runs, policy);
  }
  const { generation } = experiment.metadata;
  const overlays: ExperimentRun[] = [];
  for (const run of runs) {
    if (run.spec.experiment.generation >= generation) continue;
    const ended = await step(context, run, policy, 'cancelled: the experiment was changed');
    if (!isFinal(ended.run.status.phase)) return mirror(context, experiment, policy, ended);
    overlays.push(ended.run);
  }
  const known = runs.find((run) => run.spec.experiment.generation === generation);
  const refs = resolveRefs(experiment.spec, policy);
  if (known === undefined && refs.status !== 'True') {
    return mirror(context, experiment, policy, undefined);
  }
  const held = await hold(context, experiment);
  const run = known ?? (await createRun(context, held));
  if ('refused' in run) return mirror(context, held, policy, undefined, run.refused);
  const seen = await step(context, run, policy, undefined);
  await mirror(context, held, policy, { ...seen, overlays });
  // After what is judged and shown: old runs hold nothing up.
  await dropOld(context, overlays);
}

/** Whether an experiment still needs ticks. One that only waits for its user's next edit does not. */
export function needsTicks(experiment: Experiment): boolean {
  const { metadata, status } = experiment;
  if (metadata.deletionTimestamp !== undefined) {
    return statusOf(status.conditions, 'OverlayActive') !== 'True' || !isFinal(status.phase);
  }
  if (status.observedGeneration !== metadata.generation) return true;
  return status.run !== undefined && !isFinal(status.phase);
}

/** `<experiment>-<5 of its uid>-<generation>`, shortened to a DNS-1123 label. */
export function runName(experiment: Pick<Experiment, 'metadata'>): string {
  const { name, uid, generation } = experiment.metadata;
  const short = uid
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .slice(0, 5);
  const suffix = `-${short}-${generation}`;
  return name.slice(0, 63 - suffix.length).replace(/-+$/, '') + suffix;
}

function runsOf(experiment: Experiment, all: readonly ExperimentRun[]): ExperimentRun[] {
  return all
    .filter((run) => run.spec.experiment.uid === experiment.metadata.uid)
    .sort((a, b) => a.spec.experiment.generation - b.spec.experiment.generation);
}

/**
 * Deletes runs whose experiment is not there any more, such as those of a backup: without a status they have moved nothing, will never
 * begin, and would hold up others for ever.
 */
async function dropStrays(
  { resources }: StepContext,
  runs: readonly ExperimentRun[],
): Promise<void> {
  for (const { metadata, spec, status } of runs) {
    if (status.intent !== undefined || isFinal(status.phase)) continue;
    // Asked for after the run: a uid that is another one now is gone for good.
    const owner = await resources.get('Experiment', metadata.namespace, spec.experiment.name);
    if (owner?.metadata.uid === spec.experiment.uid) continue;
    await resources.delete('ExperimentRun', metadata.namespace, metadata.name);
  }
}

/**
 * Deletes what is more than {@link keptRuns} of an experiment's earlier runs, of which traffic follows none any more.
 * @param runs that have ended, by generation.
 */
async function dropOld({ resources }: StepContext, runs: readonly ExperimentRun[]): Promise<void> {
  for (const { metadata, status } of runs.slice(0, -keptRuns)) {
    if (statusOf(status.conditions, 'OverlayActive') === 'True') continue;
    await resources.delete('ExperimentRun', metadata.namespace, metadata.name);
  }
}

async function hold({ resources }: StepContext, experiment: Experiment): Promise<Experiment> {
  const finalizers = experiment.metadata.finalizers ?? [];
  const released = statusOf(experiment.status.conditions, 'OverlayActive') === 'False';
  const current = experiment.status.observedGeneration === experiment.metadata.generation;
  if (finalizers.includes(overlayFinalizer) || (released && current)) return experiment;
  return resources.patchStatus<'Experiment'>(experiment, experiment.status, [
    ...finalizers,
    overlayFinalizer,
  ]);
}

/** Of a spec that only a newer version of Clover understands there is none: a part of a plan is another plan. */
async function createRun(
  { resources }: StepContext,
  experiment: Experiment,
): Promise<ExperimentRun | { readonly refused: string }> {
  const { namespace, name, uid, generation } = experiment.metadata;
  const run = runName(experiment);
  try {
    await resources.applySpec(
      {
        kind: 'ExperimentRun',
        metadata: { namespace, name: run, labels: { 'clover.dev/experiment': name } },
        spec: { experiment: { name, uid, generation }, plan: experiment.spec },
      },
      { manager: 'evaluate' },
    );
  } catch (error) {
    if (!(error instanceof CloverError) || error.code !== 'CLV_RESOURCE_INVALID') throw error;
    return { refused: error.message };
  }
  const created = await resources.get('ExperimentRun', namespace, run);
  if (created === undefined) throw new Error(`run ${run} vanished after it was applied`);
  return created;
}

/** Steps a run; of several runs on the same traffic the oldest goes first. */
async function step(
  context: StepContext,
  run: ExperimentRun,
  policy: TrafficPolicy | undefined,
  cancelled: string | undefined,
): Promise<Mirror> {
  const blocker = await olderActiveRun(context, run);
  const refs = resolveRefs(run.spec.plan, policy);
  const mayStart = blocker === undefined && refs.status === 'True';
  const begun = run.status.intent !== undefined;
  const lost = begun && refs.status !== 'True' ? `cancelled: ${refs.message}` : undefined;
  return {
    run: await stepRun(context, run, { policy, mayStart, cancelled: cancelled ?? lost }),
    blocker,
    overlays: [],
  };
}

async function olderActiveRun(
  { resources }: StepContext,
  run: ExperimentRun,
): Promise<string | undefined> {
  if (run.status.intent !== undefined) return undefined;
  const { namespace } = run.metadata;
  const { items } = await resources.list('ExperimentRun', namespace, { unfinished: true });
  const blocker = items.find(
    (other) =>
      other.metadata.uid !== run.metadata.uid &&
      other.spec.plan.targetRef.name === run.spec.plan.targetRef.name &&
      (other.status.intent !== undefined || age(other) < age(run)),
  );
  return blocker?.metadata.name;
}

/** Sorts by creation, then name. */
const age = ({ metadata }: ExperimentRun): string =>
  `${metadata.creationTimestamp} ${metadata.name}`;

async function mirror(
  { resources, clock }: StepContext,
  experiment: Experiment,
  policy: TrafficPolicy | undefined,
  seen: Mirror | undefined,
  refused?: string,
): Promise<void> {
  const status = mirrorStatus(experiment, policy, seen, clock.now(), refused);
  const released = isFinal(status.phase) && statusOf(status.conditions, 'OverlayActive') !== 'True';
  const finalizers = experiment.metadata.finalizers ?? [];
  const drop = released && finalizers.includes(overlayFinalizer);
  if (!drop && sameStatus(status, experiment.status)) return;
  const left = finalizers.filter((finalizer) => finalizer !== overlayFinalizer);
  await resources.patchStatus<'Experiment'>(experiment, status, drop ? left : finalizers);
}

/** Ends a deleted experiment: roll back, wait for the overlay, then runs and finalizer go. */
async function remove(
  context: StepContext,
  experiment: Experiment,
  runs: readonly ExperimentRun[],
  policy: TrafficPolicy | undefined,
): Promise<void> {
  for (const run of runs) {
    const seen = await step(context, run, policy, 'cancelled: the experiment is being deleted');
    const { phase, conditions } = seen.run.status;
    if (isFinal(phase) && statusOf(conditions, 'OverlayActive') !== 'True') continue;
    return mirror(context, experiment, policy, seen);
  }
  for (const { metadata } of runs) {
    await context.resources.delete('ExperimentRun', metadata.namespace, metadata.name);
  }
  const finalizers = experiment.metadata.finalizers ?? [];
  if (!finalizers.includes(overlayFinalizer)) return;
  const left = finalizers.filter((finalizer) => finalizer !== overlayFinalizer);
  await context.resources.patchStatus<'Experiment'>(experiment, experiment.status, left);
}
