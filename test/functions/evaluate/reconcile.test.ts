import test from 'ava';
import { keptRuns } from '../../../functions/evaluate/reconcile.ts';
import type { ExperimentRun } from '../../../knative/resources/experiment-run.ts';
import { World } from './helpers/world.ts';

/** As it comes out of a backup: a new object without its status, whose experiment had another uid. */
async function restoreRun(world: World, name: string, experiment: string): Promise<void> {
  const { spec: plan } = await world.experiment();
  await world.stores.resources.applySpec(
    {
      kind: 'ExperimentRun',
      metadata: { name, namespace: 'default' },
      spec: { experiment: { name: experiment, uid: 'of-before', generation: 1 }, plan },
    },
    { manager: 'test' },
  );
}

test('runs that came out of a backup hold nothing up, and go', async (t) => {
  const world = await World.create(t);
  await world.applyExperiment();
  await restoreRun(world, 'exp-of-before-1', 'exp');
  await restoreRun(world, 'other-of-before-1', 'other');
  await world.applyPolicy();
  await world.second();
  const { items } = await world.stores.resources.list('ExperimentRun');
  t.deepEqual(
    items.map(({ metadata, status }) => [metadata.name, status.phase]),
    [[(await world.experiment()).status.run, 'WarmingUp']],
  );
  await world.stores.resources.delete('Experiment', 'default', 'exp');
  await world.tell('Experiment', 'exp');
  await world.second();
  t.false(await world.evaluate.isActive?.('evaluate-look'));
});

const generationsOf = (runs: readonly ExperimentRun[]): number[] =>
  runs.map(({ spec }) => spec.experiment.generation).sort((a, b) => a - b);

const runsIn = async (world: World): Promise<readonly ExperimentRun[]> =>
  (await world.stores.resources.list('ExperimentRun', 'default')).items;

/** A spec that is another one, and judges the same. */
const edited = (edit: number) => ({ watchAfter: { duration: `${5 + edit}s` } });

const keptUpTo = (generation: number): number[] =>
  Array.from({ length: keptRuns + 1 }, (_, at) => generation - keptRuns + at);

test('of the runs of an experiment the newest stay, and the one that its verdict is of', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  const edits = keptRuns + 4;
  for (let edit = 1; edit <= edits; edit += 1) {
    await world.applyExperiment(edited(edit));
    await world.second();
    await world.second();
    const shown = (await world.experiment()).status.run;
    const names = (await runsIn(world)).map(({ metadata }) => metadata.name);
    t.true(names.length <= keptRuns + 1 && names.includes(shown ?? ''), `edit ${edit}`);
  }
  t.deepEqual(generationsOf(await runsIn(world)), keptUpTo(edits));
  await world.untilComplete();
  const { status } = await world.experiment();
  t.is(status.verdict, 'PASS');
  t.true((await runsIn(world)).some(({ metadata }) => metadata.name === status.run));
  t.deepEqual(generationsOf(await runsIn(world)), keptUpTo(edits));
});

test('an old run that traffic follows stays until the spec of the policy agrees', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment(edited(1));
  t.is((await world.untilComplete()).status.phase, 'Succeeded');
  const edits = keptRuns + 3;
  for (let edit = 2; edit <= edits; edit += 1) {
    await world.applyExperiment(edited(edit));
    await world.second();
    await world.second();
  }
  t.deepEqual(generationsOf(await runsIn(world)), [1, ...keptUpTo(edits)]);
  await world.applyPolicy({ v1: 0, v2: 100 });
  t.deepEqual(generationsOf(await runsIn(world)), keptUpTo(edits));
});
