import test from 'ava';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { World } from './helpers/world.ts';
import type { Stores } from './helpers/killer.ts';

/** Keeps lists that were asked for, as `<kind> <what is selected>`. */
function counted(lists: string[]): (stores: Stores) => Stores {
  return (stores) => {
    const list: ResourceStore['list'] = async (kind, namespace, options = {}) => {
      const { fields = {}, ...selection } = options;
      lists.push([kind, ...Object.keys({ ...selection, ...fields })].join(' '));
      return stores.resources.list(kind, namespace, options);
    };
    return { ...stores, resources: { ...stores.resources, list } };
  };
}

const stamped = (run: string, block: number) =>
  ({ run, epoch: 1, arm: 'control', block, latency: 0.002 }) as const;

test('a report without a run asks the resources for nothing', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  await world.report([]);
  lists.length = 0;
  for (let report = 0; report < 100; report += 1) {
    await world.report([stamped('-', 1_000 + report), stamped('', 1_000 + report)]);
  }
  t.deepEqual(lists, []);
});

test('a report of a run asks for that run, once where it is, and for what is of its experiment', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  await world.applyPolicy();
  await world.applyExperiment();
  await world.tick();
  await world.report([]);
  const { name } = (await world.run()).metadata;
  const second = Math.floor(world.now / 1_000);
  lists.length = 0;
  for (let report = 0; report < 10; report += 1) await world.report([stamped(name, second)]);
  t.deepEqual(lists, [
    'ExperimentRun name',
    ...Array.from({ length: 10 }, () => 'ExperimentRun spec.experiment.name'),
  ]);
});

test('a second of a run has no list of all that there is', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  await world.applyPolicy();
  await world.applyExperiment();
  await world.second();
  lists.length = 0;
  await world.second();
  await world.evaluate.isActive?.('evaluate-look');
  t.deepEqual([...new Set(lists)].toSorted(), [
    'ExperimentRun spec.experiment.name',
    'ExperimentRun unfinished',
  ]);
});

test('experiments on a policy that changes are asked for by its name', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  await world.applyExperiment();
  lists.length = 0;
  await world.applyPolicy();
  t.true(lists.includes('Experiment spec.targetRef.name'));
  t.false(lists.includes('Experiment'));
});
