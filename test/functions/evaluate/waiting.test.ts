import test from 'ava';
import { World } from './helpers/world.ts';

test('an experiment says what it waits for while there is nothing to judge', async (t) => {
  const world = await World.create(t);
  await world.applyPolicy();
  await world.applyExperiment({ warmUp: '20s' });
  const message = async (): Promise<string | undefined> =>
    (await world.experiment()).status.conditions?.find(({ type }) => type === 'Progressing')
      ?.message;
  await world.tick();
  t.is(await message(), 'waits for the first request that an agent sees of this run');
  for (let passed = 0; passed < 5; passed += 1) await world.second();
  t.is(await message(), 'warms up for 20s');
});
