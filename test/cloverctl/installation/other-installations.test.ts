import { z } from 'zod';
import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { kubectlWith } from '../../cluster/kubectl.ts';
import { everything, linesOf } from './cluster.ts';
import { clickhouse, installationStand } from './stand.ts';

const { serial, started, run } = await installationStand();

const written = z.object({ data: z.record(z.string(), z.string()) });
const one = ['-n', 'clover-one'];
const two = ['-n', 'clover-two'];
const tap = { kind: 'Tap', metadata: { name: 'web', namespace: 'default' } } as const;

const configMaps = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;

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
  const isTold = linesOf(told).some((line) =>
    /^✗ installation: Clover .* is in clover-two$/.test(line),
  );
  t.true(isTold, told.stdout + told.stderr);

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

serial('what only a ConfigMap of another namespace says hinders nothing', async (t) => {
  const { client } = await started;
  const own = `${configMaps('clover-one')}/clover-installation`;
  const { data } = written.parse(await client.call({ method: 'GET', path: own }));
  const forge = async (namespace: string, content: object): Promise<void> => {
    const labels = { 'app.kubernetes.io/part-of': 'clover' };
    const metadata = { name: 'clover-installation', labels };
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: content };
    const path = configMaps(namespace);
    await client.call({ method: 'POST', path, body });
    t.teardown(() => client.call({ method: 'DELETE', path: `${path}/clover-installation` }));
  };
  await forge('default', data);
  await forge('kube-public', { version: 'mine' });
  const doubts = [
    /^warning: the ConfigMap clover-installation of default tells of Clover .* counts for nothing$/m,
    /^warning: the ConfigMap clover-installation of kube-public is damaged, .* counts for nothing$/m,
  ];

  const upgrade = await run('upgrade', '--dry-run', ...one);
  t.is(upgrade.code, 0, upgrade.stderr);
  const gone = await run('uninstall', '--delete-data', '--dry-run', ...one);
  t.is(gone.code, 0, gone.stderr);
  t.deepEqual(kept(linesOf(gone)), []);
  for (const line of doubts) {
    t.regex(upgrade.stderr, line);
    t.regex(gone.stderr, line);
  }
  const told = linesOf(await run('doctor', ...one)).filter((line) => line.includes('ClusterRole'));
  t.is(told.length, 2);
});

serial('a damaged inventory of an installation leaves it whole', async (t) => {
  const { client } = await started;
  const metadata = {
    name: 'clover-three-user',
    labels: {
      'app.kubernetes.io/part-of': 'clover',
      'app.kubernetes.io/instance': 'kube-public',
    },
  };
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
  const maps = configMaps('kube-public');
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata };
  const damaged = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'clover-installation', labels: metadata.labels },
  };
  await client.call({ method: 'POST', path: roles, body: role });
  t.teardown(() => client.call({ method: 'DELETE', path: `${roles}/${metadata.name}` }));
  await client.call({ method: 'POST', path: maps, body: damaged });
  t.teardown(() => client.call({ method: 'DELETE', path: `${maps}/clover-installation` }));

  const upgrade = await run('upgrade', '--dry-run', ...one);
  t.regex(upgrade.stderr, /nothing was changed: Clover is in kube-public already/);
  const gone = await run('uninstall', '--delete-data', '--dry-run', ...one);
  t.is(gone.code, 0, gone.stderr);
  t.true(kept(linesOf(gone)).some((line) => /taps\.clover\.dev kept/.test(line)));
  t.false(linesOf(gone).some((line) => line.startsWith('tap.clover.dev/')));
  const told = linesOf(await run('doctor', ...one));
  t.true(told.some((line) => line.endsWith('Clover (its inventory is damaged) is in kube-public')));
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
