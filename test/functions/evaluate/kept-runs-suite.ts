import type { ExecutionContext } from 'ava';
import { keptRuns } from '../../../functions/evaluate/reconcile.ts';
import type { ExperimentRun } from '../../../knative/resources/experiment-run.ts';
import type { Declare } from '../resources/store-suite/harness.ts';
import type { World } from './helpers/world.ts';

const generationsOf = (runs: readonly ExperimentRun[]): number[] =>
  runs.map(({ spec }) => spec.experiment.generation).sort((a, b) => a - b);

const runsIn = async (world: World): Promise<readonly ExperimentRun[]> =>
  (await world.stores.resources.list('ExperimentRun', world.namespace)).items;

/** A spec that is another one, and judges the same. */
const edited = (edit: number) => ({ watchAfter: { duration: `${5 + edit}s` } });

const keptUpTo = (generation: number): number[] =>
  Array.from({ length: keptRuns + 1 }, (_, at) => generation - keptRuns + at);

/**
 * What stays of the runs of an experiment, on any store.
 * @param create makes a world whose namespace has nothing else in it.
 */
export function keptRunsSuite(
  declare: Declare,
  create: (t: ExecutionContext) => Promise<World>,
): void {
  declare(
    'of the runs of an experiment the newest stay, and the one that its verdict is of',
    async (t) => {
      const world = await create(t);
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
    },
  );

  declare(
    'an old run that traffic follows stays until the spec of the policy agrees',
    async (t) => {
      const world = await create(t);
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
    },
  );
}
