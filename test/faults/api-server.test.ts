import { apiOfFile, makeNamespace } from '../cluster/api-of-file.ts';
import { assertNothingTwice } from './nothing-twice.ts';
import { applyExperiment, applyPolicy, openStand, serveStand, until, type Stand } from './stand.ts';

const apiTest = await apiOfFile();

const phaseOf = async (stand: Stand): Promise<string | undefined> =>
  (await stand.experiment())?.status.phase;

apiTest(
  'an API server that is restarted in the middle of an experiment only delays it',
  async (t, { tier, client }) => {
    t.timeout(120_000);
    await makeNamespace(client, 'restarted');
    const stand = await openStand(t, { client, namespace: 'restarted' });
    await serveStand(t, stand);
    await applyPolicy(stand, 'restarted.example');
    await applyExperiment(stand);
    await until(async () => (await phaseOf(stand)) === 'Running');
    t.is(stand.weight(), 20);
    await tier.restartApiServer();
    await until(async () => (await phaseOf(stand)) === 'Succeeded');
    t.is(stand.weight(), 100);
    t.is((await stand.experiment())?.status.verdict, 'PASS');
    await assertNothingTwice(t, stand);
  },
);
