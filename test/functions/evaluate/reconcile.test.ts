import test from 'ava';
import { World } from './helpers/world.ts';
import { keptRunsSuite } from './kept-runs-suite.ts';

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

keptRunsSuite(test, (t) => World.create(t));
