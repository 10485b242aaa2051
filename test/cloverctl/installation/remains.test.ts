import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { kubectl } from '../../cluster/kubectl.ts';
import { examples } from '../../functions/resources/examples.ts';
import { changesOf, everything, linesOf } from './cluster.ts';
import { clickhouse, installationStand } from './stand.ts';

const { serial, started, run } = await installationStand();

const inventory = '/api/v1/namespaces/clover-system/configmaps/clover-installation';

serial('what a deleted namespace leaves in the cluster is found, and removed', async (t) => {
  const { tier, client, before } = await started;
  t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);
  await kubectl(tier, 'delete', 'namespace', 'clover-system');
  const left = (await everything(client)).filter((name) => !before.includes(name));
  t.true(left.includes('ClusterRole /clover-system-agent'));
  t.regex(
    (await run('doctor')).stdout,
    /✗ installation: \d+ objects are left of one in clover-system\n.*cloverctl uninstall removes/,
  );

  const dry = await run('uninstall', '--dry-run', '--json');
  const gone = await run('uninstall', '--json');
  t.is(gone.code, 0, gone.stderr);
  t.deepEqual(changesOf(gone).toSorted(), changesOf(dry).toSorted());
  t.true(changesOf(gone).includes('deleted ClusterRole clover-system-agent'));
  t.deepEqual(await everything(client), before);
  t.deepEqual(linesOf(await run('uninstall')), ['There is no Clover in clover-system.']);
});

serial('what is left of one installation takes nothing from another one', async (t) => {
  const { tier, client, before } = await started;
  const one = ['-n', 'clover-one'];
  t.is((await run('install', '--wait=false', ...one, ...clickhouse)).code, 0);
  await kubectl(tier, 'delete', 'namespace', 'clover-one');
  // It takes over the definitions, not the roles.
  t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);
  const whole = (await everything(client)).filter((name) => !name.includes('/clover-one-'));
  const gone = await run('uninstall', ...one);
  t.is(gone.code, 0, gone.stderr);
  t.deepEqual(await everything(client), whole);
  t.is((await run('uninstall')).code, 0);
  t.deepEqual(await everything(client), before);
});

serial('objects of users are asked for, and none waits for who is not there', async (t) => {
  const { tier, client, before } = await started;
  const store = createKubernetesStore(client);
  t.teardown(() => store.close());
  t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);
  const { apiVersion, spec } = examples.Experiment;
  const finalizers = ['clover.dev/overlay'];
  const metadata = { name: 'try-v2', namespace: 'default', finalizers };
  const path = '/apis/clover.dev/v1alpha1/namespaces/default/experiments';
  const body = { apiVersion, kind: 'Experiment', metadata, spec };
  await client.call({ method: 'POST', path, body });
  await kubectl(tier, 'delete', 'namespace', 'clover-system');

  const state = await everything(client);
  t.regex((await run('uninstall')).stderr, /nothing was changed: there are 1 experiments\./);
  const held = await run('uninstall', '--delete-data');
  t.is(held.code, 1);
  t.regex(
    held.stderr,
    /the control plane is not there, and 1 object waits for it.*Experiment try-v2 in default: /s,
  );
  t.deepEqual(await everything(client), state);

  const kept = await run('uninstall', '--keep-data');
  t.is(kept.code, 0, kept.stderr);
  t.truthy(await store.get('Experiment', 'default', 'try-v2'));
  await client.call({
    method: 'PATCH',
    path: `${path}/try-v2`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { finalizers: null } },
  });
  const gone = await run('uninstall', '--delete-data');
  t.is(gone.code, 0, gone.stderr);
  t.deepEqual(await everything(client), before);
});

serial('a namespace of which nobody knows where it came from stays', async (t) => {
  const { client, before } = await started;
  t.is((await run('install', '--wait=false', ...clickhouse)).code, 0);
  await client.call({ method: 'DELETE', path: inventory });
  const gone = await run('uninstall');
  t.is(gone.code, 0, gone.stderr);
  t.regex(gone.stdout, /^daemonset\.apps\/agent deleted/m);
  t.regex(
    gone.stdout,
    /^namespace\/clover-system kept: nobody knows whether it came with Clover$/m,
  );
  const left = (await everything(client)).filter((name) => !before.includes(name));
  t.deepEqual(left, [
    'ConfigMap clover-system/kube-root-ca.crt',
    'Namespace /clover-system',
    'ServiceAccount clover-system/default',
  ]);
});
