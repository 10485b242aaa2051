import { apiOfFile, makeNamespace, startApi } from '../cluster/api-of-file.ts';
import { kubectl, kubectlWith } from '../cluster/kubectl.ts';
import { applyExperiment, applyPolicy, openStand, until, type Stand } from './stand.ts';

const apiTest = await apiOfFile();

/** What docs/operations.md has for a backup. */
const ended = ['Succeeded', 'RolledBack', 'Failed'].map((phase) => `status.phase!=${phase}`);
const settings = ['get', 'taps,trafficpolicies', '-A', '-o', 'yaml'];
const experiments = ['get', 'experiments', '-A', '-o', 'yaml', '--field-selector', ended.join()];

const namespace = 'kept';

const applyTap = ({ resources }: Stand): Promise<unknown> =>
  resources.applySpec(
    { kind: 'Tap', metadata: { name: 'all', namespace }, spec: { ports: [8_080] } },
    { manager: 'user' },
  );

/** What users have written. */
async function wishesIn({ resources }: Stand): Promise<readonly unknown[]> {
  const lists = await Promise.all(
    (['Experiment', 'Tap', 'TrafficPolicy'] as const).map((kind) => resources.list(kind)),
  );
  return lists.map(({ items }) => items.map(({ metadata: { name }, spec }) => ({ name, spec })));
}

apiTest(
  'objects of a backup come back in another cluster, where an Experiment that ran begins anew',
  async (t, before) => {
    t.timeout(240_000);
    await makeNamespace(before.client, namespace);
    const lost = await openStand(t, { client: before.client, namespace });
    await applyTap(lost);
    await applyPolicy(lost, 'kept.example');
    await applyExperiment(lost);
    await lost.tick();
    t.is(lost.weight(), 20);
    const backup = [await kubectl(before.tier, ...settings)];
    backup.push(await kubectl(before.tier, ...experiments));
    const text = backup.join('---\n');

    const after = await startApi(t);
    const restored = await openStand(t, { client: after.client, namespace });
    const apply = ['apply', '-f', '-'];
    await t.throwsAsync(kubectlWith(after.tier, text, ...apply), { message: /namespaces "kept"/ });
    await makeNamespace(after.client, namespace);
    const said = await kubectlWith(after.tier, text, ...apply);
    t.is(said.match(/ created$/gm)?.length, 3, said);
    t.deepEqual(await wishesIn(restored), await wishesIn(lost));
    await restored.tick();
    t.is(restored.weight(), 20);
    const [run, runBefore] = [await restored.run(), await lost.run()];
    t.not(run?.metadata.uid, runBefore?.metadata.uid);
    await until(async () => {
      await restored.report();
      await restored.tick();
      return (await restored.experiment())?.status.phase === 'Succeeded';
    });
    t.is(restored.weight(), 100);

    // What has ended is in no such backup, and what it has brought is not in its policy.
    const later = await kubectl(after.tier, ...experiments);
    t.regex(later, /^items: \[\]$/m);
    const overlay = (await restored.experiment())?.status.conditions?.find(
      ({ type }) => type === 'OverlayActive',
    );
    t.is(overlay?.status, 'True');
  },
);
