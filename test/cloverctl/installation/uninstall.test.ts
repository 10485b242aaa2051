import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { z } from 'zod';
import { waitGoneAll } from '../../../cloverctl/installation/delete-objects.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { applyDefinitionsOf } from '../../cluster/crds.ts';
import { kubectlWith } from '../../cluster/kubectl.ts';
import { istioDefinitions } from '../../functions/mesh/istio/stand.ts';
import { examples } from '../../functions/resources/examples.ts';
import { accountConfig, changesOf, everything } from './cluster.ts';
import { clickhouse, installationStand } from './stand.ts';

const { serial, started, run } = await installationStand();

/** There is no class of storage here, and so no volume unless it is asked for. */
const persistent = ['--set', 'controlPlane.persistent=true'];

serial('what was printed and applied is known to upgrade, and uninstall removes it', async (t) => {
  const { tier, client, before } = await started;
  const printed = await run('install', '--print', ...clickhouse, ...persistent);
  await kubectlWith(
    tier,
    printed.stdout,
    'apply',
    '--server-side',
    '--field-manager=cloverctl',
    '-f',
    '-',
  );
  t.regex((await run('status')).stdout, /^Clover .* in clover-system, /);
  const upgraded = await run('upgrade', '--dry-run', '--json');
  t.is(upgraded.code, 0, upgraded.stderr);
  t.deepEqual(
    changesOf(upgraded).filter((change) => !change.startsWith('unchanged ')),
    [],
  );

  // There is no object of a user; the volume has to be spoken of all the same.
  const state = await everything(client);
  const refused = await run('uninstall');
  t.is(refused.code, 1);
  t.regex(refused.stderr, /nothing was changed: there are 1 persistentvolumeclaims\. --keep-data/);
  t.deepEqual(await everything(client), state);
  const claim = 'PersistentVolumeClaim clover-system/control-plane-data';
  const kept = await run('uninstall', '--keep-data');
  t.regex(
    kept.stdout,
    /daemonset\.apps\/agent deleted: what it had not sent yet stays in \/var\/lib\/clover\/agent of each node/,
  );
  t.true((await everything(client)).includes(claim));
  t.is((await run('uninstall')).code, 1, 'it is still there');
  const gone = await run('uninstall', '--delete-data');
  t.is(gone.code, 0, gone.stderr);
  t.deepEqual(await everything(client), before);
});

serial('while there are objects of users it is asked what becomes of them', async (t) => {
  const { client, before } = await started;
  const store = createKubernetesStore(client);
  t.teardown(() => store.close());
  t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);
  const metadata = { name: 'web', namespace: 'default' };
  await store.applySpec({ kind: 'Tap', metadata, spec: { ports: [80] } }, { manager: 'test' });
  const state = await everything(client);
  const refused = await run('uninstall');
  t.is(refused.code, 1);
  t.regex(refused.stderr, /nothing was changed: there are 1 taps\. --keep-data/);
  t.deepEqual(await everything(client), state);

  const kept = await run('uninstall', '--keep-data');
  t.is(kept.code, 0, kept.stderr);
  t.truthy(await store.get('Tap', 'default', 'web'));
  const status = await run('status');
  t.deepEqual([status.code, status.stdout], [3, '']);
  t.regex(status.stderr, /was removed from clover-system, and its data kept: "cloverctl install"/);
  const doctor = await run('doctor');
  t.regex(
    doctor.stdout,
    /✗ installation: Clover \S+ was removed from clover-system, and its data kept\n/,
  );
  const left = (await everything(client)).filter((name) => !before.includes(name));
  t.deepEqual(
    left.filter((name) => !/^(APIService|CustomResourceDefinition) /.test(name)),
    [
      'ConfigMap clover-system/clover-installation',
      'ConfigMap clover-system/kube-root-ca.crt',
      'Namespace /clover-system',
      'ServiceAccount clover-system/default',
      'Tap default/web',
    ],
  );
  // It comes back with the settings that it had.
  t.is((await run('install', '--wait=false')).code, 0);
  t.truthy(await store.get('Tap', 'default', 'web'));
});

serial(
  'no run that has not ended is left with nobody to end it, unless that is asked for',
  async (t) => {
    const { client } = await started;
    const runs = '/apis/clover.dev/v1alpha1/namespaces/default/experimentruns';
    const { apiVersion, spec } = examples.Experiment;
    const experiment = { name: 'try-v2', uid: '1f0e', generation: 1 };
    const metadata = { name: 'try-v2-1', namespace: 'default' };
    const body = { apiVersion, kind: 'ExperimentRun', metadata, spec: { experiment, plan: spec } };
    await client.call({ method: 'POST', path: runs, body });
    const enter = (phase: string): Promise<unknown> =>
      client.call({
        method: 'PATCH',
        path: `${runs}/try-v2-1/status`,
        contentType: 'application/merge-patch+json',
        body: { status: { phase } },
      });
    for (const phase of ['Pending', 'Running', 'RollingBack']) {
      await enter(phase);
      for (const more of [[], ['--dry-run']]) {
        const refused = await run('uninstall', '--keep-data', ...more);
        t.is(refused.code, 1);
        t.regex(refused.stderr, /nothing was changed: 1 run has not ended, .*--force leaves it/);
        t.regex(refused.stderr, new RegExp(`ExperimentRun try-v2-1 in default: is ${phase}`));
      }
    }
    t.true((await everything(client)).includes('DaemonSet clover-system/agent'));

    t.is((await run('uninstall', '--keep-data', '--force')).code, 0);
    t.is((await run('install', '--wait=false')).code, 0);
    await enter('RolledBack');
    t.is((await run('uninstall', '--keep-data')).code, 0);
    t.is((await run('install', '--wait=false')).code, 0);
    await client.call({ method: 'DELETE', path: `${runs}/try-v2-1` });
  },
);

serial('an uninstall leaves nothing behind, and a second one finds nothing', async (t) => {
  const { client, before } = await started;
  const dry = await run('uninstall', '--delete-data', '--dry-run', '--json');
  t.true(changesOf(dry).includes('deleted Tap web'));
  const gone = await run('uninstall', '--delete-data', '--json');
  t.is(gone.code, 0, gone.stderr);
  t.deepEqual(changesOf(gone), changesOf(dry));
  t.deepEqual(await everything(client), before);
  const again = await run('uninstall');
  t.deepEqual([again.code, again.stdout], [0, 'There is no Clover in clover-system.\n']);
});

serial(
  'what is not allowed is told before anything is removed, also of what comes last',
  async (t) => {
    const { tier, client, before } = await started;
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'remover' } };
    const create = (plural: string, body: object): Promise<unknown> =>
      client.call({
        method: 'POST',
        path: `/apis/rbac.authorization.k8s.io/v1/${plural}`,
        body: { ...rbac, ...body },
      });
    const listed = ['clusterroles', 'configmaps', 'experiments', 'experimentruns', 'taps'];
    await create('clusterroles', {
      kind: 'ClusterRole',
      rules: [
        { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'delete'] },
        { apiGroups: ['*'], resources: [...listed, 'trafficpolicies'], verbs: ['list'] },
      ],
    });
    await create('clusterrolebindings', {
      kind: 'ClusterRoleBinding',
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'remover' },
      subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'default' }],
    });
    const folder = await mkdtemp(join(tmpdir(), 'clover-uninstall-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const file = join(folder, 'config');
    await writeFile(file, await accountConfig(client, tier, 'default', 'default'));
    t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);

    const state = await everything(client);
    const refused = await run('uninstall', '--kubeconfig', file);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /nothing was changed: \d+ of \d+ permissions are missing/);
    t.regex(refused.stderr, /list secrets -n clover-system: is not allowed/);
    t.regex(refused.stderr, /patch namespaces: is not allowed/);
    t.deepEqual(await everything(client), state);

    for (const kind of ['clusterroles', 'clusterrolebindings']) {
      const path = `/apis/rbac.authorization.k8s.io/v1/${kind}/remover`;
      await client.call({ method: 'DELETE', path });
    }
    await client.call({
      method: 'POST',
      path: '/api/v1/namespaces/clover-system/secrets',
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'mine' } },
    });
    const dry = await run('uninstall', '--dry-run');
    t.regex(dry.stdout, /namespace\/clover-system kept \(dry run\): it has secret\/mine\n$/);
    const gone = await run('uninstall');
    t.regex(gone.stdout, /namespace\/clover-system kept: it has secret\/mine\n$/);
    await client.call({ method: 'DELETE', path: '/api/v1/namespaces/clover-system' });
    const space = {
      apiVersion: 'v1',
      kind: 'Namespace',
      plural: 'namespaces',
      name: 'clover-system',
    };
    const { signal } = new AbortController();
    await waitGoneAll(client, [space], Date.now() + 60_000, { clock: systemClock, signal });
    t.deepEqual(await everything(client), before);
  },
);

serial('what others have put into the namespace stays, and so does the namespace', async (t) => {
  const { client, before } = await started;
  const create = (path: string, body: object): Promise<unknown> =>
    client.call({ method: 'POST', path, body });
  await create('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'clover-system', labels: { team: 'net' } },
  });
  await create('/api/v1/namespaces/clover-system/secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'clickhouse' },
    stringData: { password: 'secret' },
  });
  t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);
  const gone = await run('uninstall');
  t.is(gone.code, 0, gone.stderr);
  t.regex(gone.stdout, /namespace\/clover-system kept: it was there before\n$/);
  const left = (await everything(client)).filter((name) => !before.includes(name));
  t.deepEqual(left, [
    'ConfigMap clover-system/kube-root-ca.crt',
    'Namespace /clover-system',
    'Secret clover-system/clickhouse',
    'ServiceAccount clover-system/default',
  ]);
  const { metadata } = z
    .object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) })
    .parse(await client.call({ method: 'GET', path: '/api/v1/namespaces/clover-system' }));
  t.deepEqual(metadata.labels, { team: 'net', 'kubernetes.io/metadata.name': 'clover-system' });
});

const withIstio = istioDefinitions === undefined ? test.serial.skip : serial;

// The control plane leaves versions for some seconds after their routes, and is removed before.
withIstio(
  'what is still in the mesh goes with the control plane, and nothing of others',
  async (t) => {
    const { client } = await started;
    await applyDefinitionsOf(client, istioDefinitions ?? '');
    const rules = '/apis/networking.istio.io/v1/namespaces/default/destinationrules';
    const create = (name: string, labels: Readonly<Record<string, string>>): Promise<unknown> =>
      client.call({
        method: 'POST',
        path: rules,
        body: {
          apiVersion: 'networking.istio.io/v1',
          kind: 'DestinationRule',
          metadata: { name, labels },
          spec: { host: name },
        },
      });
    t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);
    await create('web', { 'app.kubernetes.io/managed-by': 'clover', 'clover.dev/policy': 'web' });
    await create('theirs', { 'app.kubernetes.io/managed-by': 'Helm' });

    t.is((await run('uninstall', '--keep-data')).code, 0);
    t.true(
      (await everything(client)).includes('DestinationRule default/web'),
      'a later one goes on with it',
    );
    t.is((await run('install', '--wait=false')).code, 0);
    const dry = await run('uninstall', '--dry-run', '--json');
    t.true(changesOf(dry).includes('deleted DestinationRule web'));
    const gone = await run('uninstall', '--json');
    t.is(gone.code, 0, gone.stderr);
    t.deepEqual(changesOf(gone).toSorted(), changesOf(dry).toSorted());
    t.deepEqual(
      (await everything(client)).filter((name) => name.startsWith('DestinationRule')),
      ['DestinationRule default/theirs'],
    );
  },
);
