import test from 'ava';
import { healthy, World, type Answer } from './helpers/world.ts';

const hour = 3_600_000;

const slow: Answer = (draw) => ({ latency: (healthy(draw).latency ?? 0) * 1.03 });

const pass = async (world: World, seconds: number): Promise<void> => {
  for (let passed = 0; passed < seconds; passed += 1) await world.second();
};

test('a target that vanishes in the middle ends the run at once, with the reason', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment();
  await pass(world, 4);
  await world.stores.resources.delete('TrafficPolicy', 'default', 'proxy');
  await pass(world, 2);
  const { status } = await world.run();
  t.is(status.phase, 'RolledBack');
  t.is(status.verdict, 'INCONCLUSIVE');
  t.regex(status.reason ?? '', /^cancelled: TrafficPolicy "proxy" does not exist$/);
});

test('an agent that is away for half a minute late in a run changes nothing', async (t) => {
  const world = await World.create(t, { variant: slow, perSecond: 40 });
  await world.applyPolicy();
  await world.applyExperiment({ deadline: '30m', metrics: [{ type: 'latency', margin: 0.06 }] });
  await pass(world, 90);
  t.is((await world.run()).status.verdict, undefined);
  world.blind = true;
  await pass(world, 30);
  t.is((await world.run()).status.verdict, undefined);
  world.blind = false;
  world.restartAgent();
  const { status } = await world.untilComplete(1_200);
  t.is(status.phase, 'Succeeded');
});

test('a clock that jumps, or a machine that slept, is not the silence of the agents', async (t) => {
  for (const jump of [hour, -hour]) {
    const world = await World.create(t);
    await world.applyPolicy();
    await world.applyExperiment({ deadline: '10h' });
    await pass(world, 3);
    world.now += jump;
    // Clocks that are set back are the control plane's only.
    if (jump < 0) world.agentAhead = -jump;
    await world.tick();
    t.is((await world.run()).status.verdict, undefined);
    t.is((await world.untilComplete(60)).status.phase, 'Succeeded');
  }
});

test('an agent whose clock is wrong changes nothing', async (t) => {
  for (const ahead of [hour, -30_000]) {
    const world = await World.create(t);
    world.agentAhead = ahead;
    await world.applyPolicy();
    const plan = [{ weight: 10, hold: '5s' }, { weight: 50 }];
    await world.applyExperiment({ plan, deadline: '10m' });
    t.is((await world.untilComplete(120)).status.phase, 'Succeeded');
  }
});

test('weights do not grow while no agent looks', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment({ plan: [{ weight: 10, hold: '20s' }, { weight: 50 }] });
  await pass(world, 4);
  world.blind = true;
  await pass(world, 40);
  t.is((await world.run()).status.intent?.variantWeight, 10);
});

test('evidence of standing traffic goes after an hour, of a run a day after its end', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.second();
  await world.applyExperiment();
  const ended = (await world.untilComplete(60)).metadata.name;
  const seen = async (name: string): Promise<number> =>
    (await world.stores.evidence.totals({ from: 0, to: 1e15 })).filter(({ run }) => run === name)
      .length;
  const own = await seen(ended);
  t.true(own > 0);
  world.now += 2 * hour;
  await world.second();
  t.is(await seen('-'), 1);
  t.is(await seen(ended), own);
  world.now += 23 * hour;
  await world.second();
  t.is(await seen(ended), 0);
  t.true((await world.stores.evidence.looks(ended)).length > 0);
});
