import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInventory, writeInventory } from '../../../cloverctl/installation/inventory.ts';
import { version } from '../../../functions/lib/version.ts';
import { applyEach } from '../../cluster/crds.ts';
import { kubectl } from '../../cluster/kubectl.ts';
import { accountConfig, changesOf, everything, linesOf } from './cluster.ts';
import { clickhouse, installationStand } from './stand.ts';

const { serial, started, run } = await installationStand();

/** The definition of a kind whose objects may have any fields. */
const definitionOf = (group: string, kind: string) => {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const served = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: { kind, plural, singular }, versions: [served] },
  };
};

serial('what is printed is taken by the API server, and by kubectl, as it is', async (t) => {
  const { tier, client, before } = await started;
  const folder = await mkdtemp(join(tmpdir(), 'clover-install-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const printed = await run('install', '--print', ...clickhouse);
  t.is(printed.code, 0, printed.stderr);
  const file = join(folder, 'clover.yaml');
  await writeFile(file, printed.stdout);
  const strict = ['--server-side', '--validate=strict', '--field-manager=t'];
  // In a dry run there is no namespace for what is in it.
  await kubectl(tier, 'create', 'namespace', 'clover-system');
  const said = await kubectl(tier, 'apply', '--dry-run=server', ...strict, '-f', file);
  t.regex(said, /deployment\.apps\/control-plane serverside-applied \(server dry run\)/);
  t.regex(said, /daemonset\.apps\/agent serverside-applied/);

  const out = join(folder, 'out');
  const kept = await run('install', '--output-dir', out, ...clickhouse);
  t.is(kept.code, 0, kept.stderr);
  t.true((await readdir(out)).includes('kustomization.yaml'));
  const kustomized = await kubectl(tier, 'apply', '--dry-run=server', ...strict, '-k', out);
  t.is(kustomized.split('\n').length, said.split('\n').length);
  const again = await run('install', '--output-dir', out, ...clickhouse);
  t.is(again.code, 2);
  await kubectl(tier, 'delete', 'namespace', 'clover-system');
  t.deepEqual(await everything(client), before);
});

serial('without Knative there are no functions on Knative, whoever asks for them', async (t) => {
  const { client, before } = await started;
  const refused = await run('install', ...clickhouse, '--set', 'knative=true');
  t.not(refused.code, 0);
  t.regex(
    refused.stderr,
    /nothing was changed: Knative Serving is not there, Knative Eventing is not there; --set knative=false does without/,
  );
  t.deepEqual(await everything(client), before);
});

serial('what the server refuses in a new namespace is heard before anything is made', async (t) => {
  const { client, before } = await started;
  const volume = 'controlPlane={persistent: true, volumeSize: 0}';
  const refused = await run('install', ...clickhouse, '--set', volume);
  t.is(refused.code, 4, refused.stderr);
  t.regex(
    refused.stderr,
    /would refuse 1 of \d+ objects, and nothing was changed[^]*persistentvolumeclaim\/control-plane-data: /,
  );
  t.deepEqual(linesOf(refused).slice(1), [
    'namespace/clover-system created',
    'namespace/clover-system deleted',
  ]);
  t.deepEqual(await everything(client), before);
});

serial(
  'a dry run changes nothing, an install makes it all, and a second one nothing',
  async (t) => {
    const { client, before } = await started;
    const dry = await run('install', '--dry-run', ...clickhouse);
    t.is(dry.code, 0, dry.stderr);
    t.regex(
      dry.stderr,
      /^warning: databases are on no volume: .*controlPlane\.persistent=true.*\n$/,
    );
    t.regex(linesOf(dry)[0] ?? '', /^Kubernetes v[\d.]+, no Knative Serving, .*in one process$/);
    t.true(linesOf(dry).includes('deployment.apps/control-plane created (dry run)'));
    t.deepEqual(await everything(client), before);

    const first = await run('install', '--wait=false', '--json', ...clickhouse);
    t.is(first.code, 0, first.stderr);
    t.true(changesOf(first).every((change) => change.startsWith('created ')));
    t.is(changesOf(first).length, linesOf(dry).length - 1);
    // There is no default class of storage here: databases go with the pod, which is told, as output for programs stays whole.
    t.is(first.stderr, dry.stderr);
    t.false(changesOf(first).some((change) => change.includes('PersistentVolumeClaim')));

    const state = await everything(client);
    // What was said at the first one stays.
    const second = await run('install', '--wait=false', '--json');
    t.deepEqual([second.code, second.stderr], [0, dry.stderr]);
    t.deepEqual(
      changesOf(second).filter((change) => !change.startsWith('unchanged ')),
      [],
    );
    t.deepEqual(await everything(client), state);
  },
);

serial('tokens that are deleted are made anew, with a new pod of the control plane', async (t) => {
  const { tier } = await started;
  const secrets = ['control-plane-token', 'agent-token'];
  await kubectl(tier, '-n', 'clover-system', 'delete', 'secret', ...secrets);
  const rotated = await run('upgrade', '--wait=false', '--json');
  t.is(rotated.code, 0, rotated.stderr);
  t.deepEqual(
    changesOf(rotated).filter((change) => !change.startsWith('unchanged ')),
    [
      'created Secret control-plane-token',
      'created Secret agent-token',
      'configured Deployment control-plane',
    ],
  );
});

serial('without a node nothing is ready in time, and it is said what waits and why', async (t) => {
  const late = await run('install', '--timeout', '0s');
  t.is(late.code, 1);
  t.regex(
    late.stderr,
    /^error: everything is applied, but not ready after 0 s: 2 of its objects wait/m,
  );
  t.regex(late.stderr, /deployment\.apps\/control-plane: 0 of 1 /);
});

serial(
  'another setting changes its objects alone, and what is not wished any more goes',
  async (t) => {
    const { client } = await started;
    const dry = await run('upgrade', '--dry-run', '--json', '--set', 'agent.enabled=false');
    const done = await run('upgrade', '--wait=false', '--json', '--set', 'agent.enabled=false');
    t.is(done.code, 0, done.stderr);
    t.deepEqual(changesOf(dry), changesOf(done));
    // The owner means it.
    const meant = ['--dry-run', '--set', 'controlPlane.persistent=false'];
    t.is((await run('upgrade', ...meant)).stderr, '');
    t.deepEqual(
      changesOf(done).filter((change) => !change.startsWith('unchanged ')),
      [
        'configured Namespace clover-system',
        'deleted DaemonSet agent',
        'deleted ConfigMap agent',
        'deleted ClusterRoleBinding clover-system-agent',
        'deleted ClusterRole clover-system-agent',
        'deleted ServiceAccount agent',
      ],
    );
    const kept = (await everything(client)).filter((name) =>
      / (clover-system\/|\/clover-system-)agent$/.test(name),
    );
    t.deepEqual(kept, []);
  },
);

serial(
  'a version goes up one step at a time, and what somebody else has made is not taken over',
  async (t) => {
    const { client } = await started;
    const path = '/api/v1/namespaces/clover-system/configmaps/clover-installation';
    const pretend = async (data: object): Promise<unknown> =>
      client.call({
        method: 'PATCH',
        path,
        contentType: 'application/merge-patch+json',
        body: { data },
      });
    await pretend({ version: '9.0.0' });
    const back = await run('upgrade', '--wait=false');
    t.is(back.code, 1);
    t.regex(back.stderr, /9\.0\.0 is installed, and this is .*: going back is not tried/);
    await pretend({ version: '0.0.9' });
    t.regex((await run('install')).stderr, /Clover 0\.0\.9 is in clover-system.*cloverctl upgrade/);
    t.is((await run('upgrade', '--wait=false')).code, 0);
    t.like(await client.call({ method: 'GET', path }), { data: { version } });

    await client.call({
      method: 'POST',
      path: '/api/v1/namespaces/clover-system/configmaps',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'agent' } },
    });
    const foreign = await run('upgrade', '--wait=false', '--set', 'agent.enabled=true');
    t.is(foreign.code, 1);
    t.regex(foreign.stderr, /nothing was changed[^]*configmap\/agent: is there already/);
    await client.call({
      method: 'DELETE',
      path: '/api/v1/namespaces/clover-system/configmaps/agent',
    });
  },
);

serial('what a later version does not set any more is told, and dropped', async (t) => {
  const { client } = await started;
  const inventory = await readInventory(client, 'clover-system');
  if (inventory === undefined) throw new Error('nothing is installed');
  const settings = { ...inventory.settings, oldSetting: 1 };
  await writeInventory(client, 'clover-system', { ...inventory, settings });
  const typed = await run('upgrade', '--dry-run', '--set', 'logLvl=warn');
  t.is(typed.code, 2);
  t.regex(typed.stderr, /logLvl: unknown key/);
  const upgraded = await run('upgrade', '--wait=false', '--set', 'oldSetting=2');
  t.is(upgraded.code, 0, upgraded.stderr);
  t.regex(upgraded.stderr, /^warning: oldSetting is no setting of .* any more: .* dropped$/m);
  t.deepEqual((await readInventory(client, 'clover-system'))?.settings, inventory.settings);
});

serial(
  'who may not do it hears each permission that is missing, and nothing is changed',
  async (t) => {
    const { client, tier } = await started;
    const folder = await mkdtemp(join(tmpdir(), 'clover-install-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const file = join(folder, 'config');
    await writeFile(file, await accountConfig(client, tier, 'default', 'default'));
    const state = await everything(client);
    const refused = await run('install', '--kubeconfig', file, ...clickhouse);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /nothing was changed: \d+ of \d+ permissions are missing/);
    t.regex(refused.stderr, /create deployments\.apps -n clover-system: is not allowed/);
    t.regex(refused.stderr, /get configmaps -n clover-system/);
    t.deepEqual(await everything(client), state);
    const unknown = await run('install', '--kubeconfig', file, '--kube-context', 'other');
    t.regex(unknown.stderr, /has no context "other": it has it/);
  },
);

serial('what led events the old way goes when all that was applied is ready', async (t) => {
  const { client } = await started;
  const group = 'eventing.knative.dev';
  await applyEach(client, [definitionOf(group, 'Trigger')]);
  const own = '/api/v1/namespaces/clover-system/configmaps';
  const labels = { 'app.kubernetes.io/part-of': 'clover' };
  const metadata = { name: 'old', namespace: 'clover-system' };
  const trigger = { apiVersion: `${group}/v1`, kind: 'Trigger', plural: 'triggers', ...metadata };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', ...metadata };
  const triggers = `/apis/${group}/v1/namespaces/clover-system/triggers`;
  for (const { path, apiVersion, kind } of [
    { path: triggers, ...trigger },
    { path: own, ...map },
  ]) {
    const body = { apiVersion, kind, metadata: { name: 'old', labels } };
    await client.call({ method: 'POST', path, body });
  }
  const inventory = await readInventory(client, 'clover-system');
  if (inventory === undefined) throw new Error('nothing is installed');
  const objects = [...inventory.objects, trigger, map];
  await writeInventory(client, 'clover-system', { ...inventory, objects });

  const late = await run('upgrade', '--timeout', '0s');
  t.is(late.code, 1);
  t.regex(late.stdout, /^configmap\/old deleted$/m);
  t.regex(late.stderr, /not ready after 0 s/);
  await t.notThrowsAsync(client.call({ method: 'GET', path: `${triggers}/old` }));
  const again = await run('upgrade', '--wait=false');
  t.regex(again.stdout, /^trigger\.eventing\.knative\.dev\/old deleted$/m);
  await t.throwsAsync(client.call({ method: 'GET', path: `${triggers}/old` }));
  const left = (await readInventory(client, 'clover-system'))?.objects ?? [];
  t.false(left.some(({ name }) => name === 'old'));
});
