import test from 'ava';
import { World } from './helpers/world.ts';

test('a missing target or version is a condition, and heals when it appears', async (t) => {
  const world = await World.create(t);
  await world.applyExperiment();
  const refs = async () =>
    (await world.experiment()).status.conditions?.find(({ type }) => type === 'ResolvedRefs');
  t.like(await refs(), { status: 'False', reason: 'TargetNotFound' });
  await world.applyPolicy({ v1: 100 });
  t.like(await refs(), { status: 'False', reason: 'VersionNotFound' });
  t.is((await world.stores.resources.list('ExperimentRun')).items.length, 0);
  await world.applyPolicy();
  t.like(await refs(), { status: 'True' });
  t.is((await world.run()).status.phase, 'WarmingUp');
});

/** As the function policy says it of two policies with one target. */
function setAccepted(world: World, status: 'True' | 'False'): Promise<void> {
  const reason = status === 'True' ? 'Accepted' : 'TargetConflict';
  return setCondition(world, { type: 'Accepted', status, reason });
}

async function setCondition(
  world: World,
  claim: Readonly<Record<'reason' | 'type', string>> & { readonly status: 'True' | 'False' },
  overlays: readonly string[] = [],
): Promise<void> {
  const { resources } = world.stores;
  const policy = await resources.get('TrafficPolicy', 'default', 'proxy');
  if (policy === undefined) throw new Error('no policy');
  const facts = { message: '', observedGeneration: policy.metadata.generation };
  const lastTransitionTime = new Date(world.clock.now()).toISOString();
  const conditions = [{ ...claim, ...facts, lastTransitionTime }];
  await resources.patchStatus<'TrafficPolicy'>(policy, { conditions, overlays: [...overlays] });
  await world.tell('TrafficPolicy', 'proxy');
}

for (const [what, reason] of [
  ['a policy without a mesh', 'MeshNotFound'],
  ['a policy whose Service is not there', 'TargetNotFound'],
] as const) {
  test(`${what} holds no run, and none is begun for it`, async (t) => {
    const world = await World.create(t);
    await world.applyPolicy();
    await world.applyExperiment();
    t.is((await world.run()).status.phase, 'WarmingUp');
    await setCondition(world, { type: 'Programmed', status: 'False', reason });
    const { resources } = world.stores;
    await resources.delete('Experiment', 'default', 'exp');
    await world.tell('Experiment', 'exp');
    await world.tick();
    t.is(await resources.get('Experiment', 'default', 'exp'), undefined);
    await world.applyExperiment();
    const refs = (await world.experiment()).status.conditions?.find(
      ({ type }) => type === 'ResolvedRefs',
    );
    t.like(refs, { status: 'False', reason: 'TargetNotProgrammed' });
  });
}

test('an experiment that is deleted stays while the gateway has a part of its run, also where no request shows it', async (t) => {
  const world = await World.create(t);
  const { resources } = world.stores;
  const programmed = { type: 'Programmed', status: 'True', reason: 'Programmed' } as const;
  await world.applyPolicy();
  await setCondition(world, programmed);
  await world.rest();
  await world.applyExperiment();
  const { name } = (await world.run()).metadata;
  await setCondition(world, programmed, [name]);
  await resources.delete('Experiment', 'default', 'exp');
  await world.tell('Experiment', 'exp');
  for (let passed = 0; passed < 10; passed += 1) await world.second();
  t.is((await world.run()).status.phase, 'RolledBack');
  const { conditions } = (await world.experiment()).status;
  t.like(
    conditions?.find(({ type }) => type === 'OverlayActive'),
    { status: 'True', reason: 'RollingBack' },
  );
  await setCondition(world, programmed);
  t.is(await resources.get('Experiment', 'default', 'exp'), undefined);
});

test('an experiment on a policy that another one keeps from its traffic waits until it has it', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await setAccepted(world, 'False');
  await world.applyExperiment();
  const refs = async () =>
    (await world.experiment()).status.conditions?.find(({ type }) => type === 'ResolvedRefs');
  t.like(await refs(), { status: 'False', reason: 'TargetNotAccepted' });
  t.is((await world.stores.resources.list('ExperimentRun')).items.length, 0);
  await setAccepted(world, 'True');
  t.like(await refs(), { status: 'True' });
  t.is((await world.run()).status.phase, 'WarmingUp');
});

test('a run whose policy loses its target ends, with nothing left to wait for', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  for (let passed = 0; passed < 5; passed += 1) await world.second();
  t.is((await world.run()).status.phase, 'Running');
  await setAccepted(world, 'False');
  world.blind = true;
  await world.second();
  await world.second();
  const { phase, reason } = (await world.run()).status;
  t.is(phase, 'RolledBack');
  t.regex(reason ?? '', /is not accepted/);
});
