import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { kubectlWith } from '../../cluster/kubectl.ts';
import { everything, linesOf } from './cluster.ts';
import { clickhouse, installationStand } from './stand.ts';

const { serial, started, run } = await installationStand();

const one = ['-n', 'clover-one'];
const two = ['-n', 'clover-two'];
const tap = { kind: 'Tap', metadata: { name: 'web', namespace: 'default' } } as const;

const kept = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.includes('kept')).map((line) => line.replace(' (dry run)', ''));

serial(
  'a second installation is refused, whatever its namespace, and changes nothing',
  async (t) => {
    const { client } = await started;
    t.is((await run('install', '--wait=false', ...one, ...clickhouse)).code, 0);
    const state = await everything(client);
    for (const more of [[], ['--dry-run'], ['--force-conflicts']]) {
      const refused = await run('install', ...two, ...clickhouse, ...more);
      t.is(refused.code, 1);
      t.regex(refused.stderr, /nothing was changed: Clover is in clover-one already/);
    }
    t.deepEqual(await everything(client), state);
  },
);

serial('of two that were applied, the one that is removed leaves the other whole', async (t) => {
  const { tier, client } = await started;
  const store = createKubernetesStore(client);
  t.teardown(() => store.close());
  await store.applySpec({ ...tap, spec: { ports: [80] } }, { manager: 'test' });
  const state = await everything(client);
  const printed = await run('install', '--print', ...two, ...clickhouse);
  const how = ['--server-side', '--force-conflicts', '--field-manager=cloverctl', '-f', '-'];
  await kubectlWith(tier, printed.stdout, 'apply', ...how);

  const upgrade = await run('upgrade', '--wait=false', ...one);
  t.regex(upgrade.stderr, /nothing was changed: Clover is in clover-two already/);
  const told = await run('doctor', ...one);
  t.true(linesOf(told).some((line) => /^✗ installation: Clover .* is in clover-two$/.test(line)));

  const dry = await run('uninstall', '--delete-data', '--dry-run', ...two);
  const gone = await run('uninstall', '--delete-data', ...two);
  t.is(gone.code, 0, gone.stderr);
  t.deepEqual(kept(linesOf(gone)).toSorted(), kept(linesOf(dry)).toSorted());
  t.true(
    kept(linesOf(gone)).every((line) => line.endsWith('the Clover in clover-one has it, too')),
  );
  t.deepEqual(await everything(client), state);
  t.is((await run('upgrade', '--wait=false', ...one)).code, 0);
});

serial('what was kept is no installation: another namespace goes on with it', async (t) => {
  const { client, before } = await started;
  const store = createKubernetesStore(client);
  t.teardown(() => store.close());
  t.is((await run('uninstall', '--keep-data', ...one)).code, 0);
  const installed = await run('install', '--wait=false', ...two, ...clickhouse);
  t.is(installed.code, 0, installed.stderr);
  const rest = await run('uninstall', '--delete-data', ...one);
  t.is(rest.code, 0, rest.stderr);
  t.truthy(await store.get('Tap', 'default', 'web'));
  t.false((await everything(client)).some((name) => name.includes('clover-one')));
  t.is((await run('uninstall', '--delete-data', ...two)).code, 0);
  t.deepEqual(await everything(client), before);
});
