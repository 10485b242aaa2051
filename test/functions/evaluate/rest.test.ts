import test from 'ava';
import { elapsed } from './helpers/elapsed.ts';
import { World } from './helpers/world.ts';

test('an Experiment without traffic ends at its deadline while agents rest, and not for their silence', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.rest();
  await world.applyExperiment({ deadline: '3m' });
  const { status } = await world.untilComplete(190);
  t.is(status.verdict, 'INCONCLUSIVE');
  t.is(elapsed(status.startedAt, status.verdictAt), 180_000);
});

test('agents that rested tell of the first request, and a run is judged by what they report', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  const { perSecond } = world;
  await world.rest();
  await world.applyExperiment();
  for (let passed = 0; passed < 90; passed += 1) await world.second();
  t.is((await world.run()).status.phase, 'WarmingUp', 'nothing was seen of the run');
  Object.assign(world, { perSecond, blind: false });
  t.is((await world.untilComplete()).status.verdict, 'PASS');
});

test('a rest that is not said again is silence', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.rest();
  await world.applyExperiment({ deadline: '30m' });
  const { status } = await world.untilComplete(400);
  t.is(status.verdict, 'INVALID');
  t.regex(status.reason ?? '', /no-evidence/);
  t.is(elapsed(status.startedAt, status.verdictAt), 361_000);
});
