import test, { type ExecutionContext } from 'ava';
import { CloverError } from '../../../functions/lib/errors.ts';
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
    'ExperimentRun unfinished limit',
  ]);
});

test('experiments on a policy that changes are asked for by its name', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  await world.applyExperiment();
  lists.length = 0;
  await world.applyPolicy();
  t.true(lists.includes('Experiment spec.targetRef.name'));
  t.false(lists.some((list) => /^Experiment( limit)?$/.test(list)));
});

test('at rest it is asked once in ten seconds whether there is anything to look at, and after every change', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  const isActive = () => world.evaluate.isActive?.('evaluate-look');
  const once = ['ExperimentRun unfinished limit', 'Experiment unfinished limit'];
  const all = ['ExperimentRun unfinished limit', 'Experiment limit'];
  for (let second = 0; second < 60; second += 1) {
    t.false(await isActive());
    world.now += 1_000;
  }
  t.deepEqual(lists, [...all, ...Array.from({ length: 5 }, () => once).flat()]);
  lists.length = 0;
  t.false(await isActive());
  t.deepEqual(lists, all, 'those at their end are among them once a minute');
  await world.applyPolicy();
  lists.length = 0;
  t.false(await isActive());
  t.false(await isActive());
  t.deepEqual(lists, once);
  await world.applyExperiment();
  t.true(await isActive(), 'its event was told');
});

test('while something runs all experiments are listed once a minute, by pages, and those not at their end in between', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  await world.applyPolicy();
  await world.applyExperiment();
  await world.second();
  world.now += 60_000;
  lists.length = 0;
  for (let second = 0; second < 60; second += 1) {
    await world.tick();
    await world.evaluate.isActive?.('evaluate-look');
    world.now += 1_000;
  }
  const found = Map.groupBy(lists, (list) => list);
  t.is(found.get('Experiment limit')?.length, 1);
  t.is(found.get('Experiment unfinished limit')?.length, 5);
  t.is(found.get('ExperimentRun limit'), undefined);
  t.deepEqual(
    [...found.keys()].filter((list) => !/ (limit|spec\.\S+|name)$/.test(list)),
    [],
    'nothing is listed as a whole',
  );
});

test('whether there is anything at all is asked of one object', async (t) => {
  const lists: string[] = [];
  const world = await World.create(t, { wrap: counted(lists) });
  lists.length = 0;
  t.false(await world.evaluate.isActive?.('evaluate-resync'));
  t.deepEqual(lists, ['Experiment limit', 'Tap limit']);
});

test('at rest an experiment whose event was lost is found after ten seconds', async (t) => {
  const world = await World.create(t);
  const isActive = () => world.evaluate.isActive?.('evaluate-look');
  await world.applyPolicy();
  t.false(await isActive());
  await world.applyExperimentUnseen();
  world.now += 9_999;
  t.false(await isActive());
  world.now += 1;
  t.true(await isActive());
  await world.tick();
  t.is((await world.run()).status.phase, 'WarmingUp');
});

/** A world whose objects cannot be read while it is down. */
async function breakable(t: ExecutionContext) {
  const state = { isDown: false };
  const world = await World.create(t, {
    wrap: (stores) => {
      const get: ResourceStore['get'] = async (kind, namespace, name) => {
        if (state.isDown) throw new CloverError('CLV_KUBERNETES_UNREACHABLE', 'no answer');
        return stores.resources.get(kind, namespace, name);
      };
      return { ...stores, resources: { ...stores.resources, get } };
    },
  });
  return { world, state, isActive: () => world.evaluate.isActive?.('evaluate-look') };
}

test('what was found at rest does not count once a change has failed', async (t) => {
  const { world, state, isActive } = await breakable(t);
  t.false(await isActive());
  await world.applyExperimentUnseen();
  state.isDown = true;
  await t.throwsAsync(world.tell('Experiment', 'exp'), { code: 'CLV_KUBERNETES_UNREACHABLE' });
  state.isDown = false;
  t.true(await isActive());
});

test('an experiment at its end whose next edit failed is found, though nothing else is looked for there', async (t) => {
  const { world, state, isActive } = await breakable(t);
  const edited = ['first', 'second'] as const;
  await world.applyExperimentUnseen();
  for (const one of edited) {
    const ended = await world.experiment();
    const { generation: observedGeneration } = ended.metadata;
    const status = { observedGeneration, phase: 'Failed' } as const;
    await world.stores.resources.patchStatus<'Experiment'>(ended, status);
    await world.tick();
    t.false(await isActive(), one);
    await world.applyExperimentUnseen({ minSamples: edited.indexOf(one) + 200 });
    state.isDown = true;
    await t.throwsAsync(world.tell('Experiment', 'exp'), { code: 'CLV_KUBERNETES_UNREACHABLE' });
    state.isDown = false;
    t.true(await isActive(), one);
  }
});
