import { apiOfFile, makeNamespace } from '../cluster/api-of-file.ts';
import { assertNothingTwice } from './nothing-twice.ts';
import { applyExperiment, applyPolicy, openStand, until } from './stand.ts';

const apiTest = await apiOfFile();

apiTest('a writer that read an old version writes nothing', async (t, { client }) => {
  await makeNamespace(client, 'stale');
  const { resources, ...stand } = await openStand(t, { client, namespace: 'stale' });
  await applyPolicy({ resources, ...stand }, 'stale.example');
  const old = await resources.get('TrafficPolicy', 'stale', 'proxy');
  if (old === undefined) throw new Error('no policy');
  await resources.patchStatus<'TrafficPolicy'>(old, { snapshot: 2 });
  const stale = resources.patchStatus<'TrafficPolicy'>(old, { snapshot: 1 });
  await t.throwsAsync(stale, { code: 'CLV_CONFLICT' });
  // Nor does one that means an object of before, under the name of another.
  const { uid, resourceVersion } = old.metadata;
  await resources.delete('TrafficPolicy', 'stale', 'proxy');
  await applyPolicy({ resources, ...stand }, 'stale.example');
  const late = resources.patchStatus<'TrafficPolicy'>(old, { snapshot: 1 });
  await t.throwsAsync(late, { code: 'CLV_CONFLICT' });
  const remove = resources.delete('TrafficPolicy', 'stale', 'proxy', { uid, resourceVersion });
  await t.throwsAsync(remove, { code: 'CLV_CONFLICT' });
  t.deepEqual((await resources.get('TrafficPolicy', 'stale', 'proxy'))?.status, {});
});

apiTest('two judges at one experiment decide once, look by look', async (t, { client }) => {
  t.timeout(120_000);
  await makeNamespace(client, 'twice');
  const one = await openStand(t, { client, namespace: 'twice' });
  const { evidence } = one;
  const two = await openStand(t, { client, namespace: 'twice', evidence });
  await applyPolicy(one, 'twice.example');
  await applyExperiment(one);
  await until(async () => {
    // Who loses all races in one event is asked again, as a broker would.
    const both = [one, two].flatMap((stand) => [stand.report(), stand.tick()]);
    await Promise.allSettled(both);
    return (await one.experiment())?.status.phase === 'Succeeded';
  });
  t.is((await one.experiment())?.status.verdict, 'PASS');
  await one.tick();
  t.is(one.weight(), 100);
  await assertNothingTwice(t, one);
});
