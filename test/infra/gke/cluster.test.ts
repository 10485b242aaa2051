import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { cloud, said } from './cloud.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** What a call does, without what it asks and its options. */
const deeds = (calls: readonly string[]): string[] =>
  calls
    .filter((call) => !/ (?:describe|get|show) /.test(call))
    .map((call) =>
      call
        .split(' ')
        .filter((word) => !/^[-/]/.test(word) && word !== 'clover-system')
        .slice(0, 5)
        .join(' '),
    );

test('a dry run calls nothing, and prints what a first run does', async (t) => {
  for (const command of ['up', 'delete'] as const) {
    const { cluster, calls } = await cloud(t);
    const dry = await cluster(command, '--dry-run');
    t.is(dry.code, 0, dry.stderr);
    t.deepEqual(await calls(), []);
    if (command === 'delete') {
      t.is((await cluster('up')).code, 0);
      await calls();
    }
    const real = await cluster(command, '--yes');
    t.is(real.code, 0, real.stderr);
    t.deepEqual(said(real.stdout), said(dry.stdout));
    const made = (await calls()).filter((call) => !/ (?:describe|get|show) /.test(call));
    t.deepEqual(made, said(dry.stdout));
  }
});

test('what is needed first is made first, and a second run makes nothing', async (t) => {
  const { cluster, calls } = await cloud(t);
  t.is((await cluster('up')).code, 0);
  t.deepEqual(deeds(await calls()), [
    'gcloud services enable container.googleapis.com artifactregistry.googleapis.com',
    'gcloud artifacts repositories create clover',
    'gcloud iam service-accounts create clover-nodes',
    'gcloud projects add-iam-policy-binding my-project',
    'gcloud artifacts repositories add-iam-policy-binding clover',
    'gcloud container clusters create clover',
    'bq mk of\\ Clover my-project:clover',
    'gcloud iam service-accounts create clover-analytics',
    'bq query GRANT\\ \\`roles/bigquery.dataEditor\\`\\ ON\\',
    'gcloud projects add-iam-policy-binding my-project',
    'gcloud iam service-accounts add-iam-policy-binding clover-analytics@my-project.iam.gserviceaccount.com',
    'gcloud container clusters get-credentials clover',
    'kubectl create namespace',
    'kubectl create secret generic clickhouse',
    'kubectl apply',
    'kubectl rollout status statefulset/clickhouse',
  ]);
  t.is((await cluster('up')).code, 0);
  t.deepEqual(
    (await calls()).filter((call) => / (?:create|mk) /.test(call)),
    [],
  );
});

test('a run that was stopped is gone on with', async (t) => {
  const { folder, cluster, calls, refuse } = await cloud(t);
  await refuse('container clusters create');
  t.not((await cluster('up')).code, 0);
  t.is(deeds(await calls()).at(-1), 'gcloud container clusters create clover');
  await rm(join(folder, 'refuse'));
  t.is((await cluster('up')).code, 0);
  const made = deeds(await calls()).filter((call) => call.includes(' create '));
  t.deepEqual(made, [
    'gcloud container clusters create clover',
    'gcloud iam service-accounts create clover-analytics',
    'kubectl create namespace',
    'kubectl create secret generic clickhouse',
  ]);
});

test('who may not look makes nothing, and deletes nothing', async (t) => {
  const { cluster, calls, refuse } = await cloud(t);
  await refuse('repositories describe');
  const refused = await cluster('up');
  t.is(refused.code, 1);
  t.regex(refused.stderr, /PERMISSION_DENIED[^]*cannot tell whether it is there: gcloud artifacts/);
  t.true((await calls()).every((call) => !call.includes(' create ')));
  await refuse('clusters describe');
  t.is((await cluster('delete', '--yes')).code, 1);
  t.true((await calls()).every((call) => !call.includes(' delete ')));
});

test('deleting asks, takes volumes before their cluster, and does nothing the second time', async (t) => {
  const { cluster, calls } = await cloud(t);
  await cluster('up');
  await calls();
  const unasked = await cluster('delete');
  t.is(unasked.code, 1);
  t.regex(unasked.stderr, /nobody is there to be asked/);
  t.deepEqual(await calls(), []);
  t.is((await cluster('delete', '--yes')).code, 0);
  t.deepEqual(deeds(await calls()), [
    'gcloud container clusters get-credentials clover',
    'kubectl delete namespace',
    'gcloud container clusters delete clover',
    'gcloud artifacts repositories delete clover',
    'bq rm my-project:clover',
    'gcloud projects remove-iam-policy-binding my-project',
    'gcloud iam service-accounts delete clover-analytics@my-project.iam.gserviceaccount.com',
    'gcloud projects remove-iam-policy-binding my-project',
    'gcloud iam service-accounts delete clover-nodes@my-project.iam.gserviceaccount.com',
  ]);
  t.is((await cluster('delete', '--yes')).code, 0);
  t.deepEqual(deeds(await calls()), []);
});

test('the password is random, and no argument; kubectl speaks to this cluster alone', async (t) => {
  const passwords: string[] = [];
  for (const settings of [{}, { LOCATION: 'us-central1', CLUSTER: 'other' }]) {
    const { folder, cluster, calls } = await cloud(t, settings);
    t.is((await cluster('up')).code, 0);
    const password = await readFile(join(folder, 'password'), 'utf8');
    t.regex(password, /^[\w-]{32}$/);
    t.true((await calls()).every((call) => !call.includes(password)));
    passwords.push(password);
    const contexts = new Set((await readFile(join(folder, 'contexts'), 'utf8')).trim().split('\n'));
    const { LOCATION = 'europe-west1-b', CLUSTER = 'clover' } = settings;
    t.deepEqual([...contexts], [`--context=gke_my-project_${LOCATION}_${CLUSTER}`]);
  }
  t.not(passwords[0], passwords[1]);
});

for (const [settings, args, why] of [
  [{ PROJECT: '' }, ['up'], /PROJECT: found ""/],
  [{ LOCATION: 'europe' }, ['up'], /LOCATION: found "europe"/],
  [{ NODES: '0' }, ['up'], /NODES: found "0"/],
  [{ CLUSTER: 'a b' }, ['delete', '--yes'], /CLUSTER: found "a b"/],
  [{ DATASET: 'a-b' }, ['up'], /DATASET: found "a-b"/],
  [{ ANALYST: 'clover-nodes' }, ['up'], /ANALYST: found "clover-nodes", which is ACCOUNT, too/],
  [{}, [], /no command/],
  [{}, ['up', 'delete'], /two commands/],
  [{}, ['up', '--dryrun'], /unknown argument --dryrun/],
] as const) {
  test(`refused with 2: ${JSON.stringify(settings)} ${args.join(' ')}`, async (t) => {
    const { cluster, calls } = await cloud(t, settings);
    const { code, stderr } = await cluster(...args);
    t.is(code, 2);
    t.regex(stderr, why);
    t.deepEqual(await calls(), []);
  });
}

test('who acts as the account of the dataset is said alike on both sides', async (t) => {
  const { cluster } = await cloud(t);
  const settings = z
    .object({ serviceAccountAnnotations: z.record(z.string(), z.record(z.string(), z.string())) })
    .parse(parse(await readFile(join(repository, 'infra/gke/installation.yaml'), 'utf8')));
  const [[account, annotations] = ['', {}]] = Object.entries(settings.serviceAccountAnnotations);
  const email = annotations['iam.gke.io/gcp-service-account'];
  const binding = said((await cluster('up', '--dry-run')).stdout).find((call) =>
    call.includes('roles/iam.workloadIdentityUser'),
  );
  const member = `my-project.svc.id.goog\\[clover-system/${account}\\]`;
  t.true(binding?.includes(`add-iam-policy-binding ${email} --member=serviceAccount:${member} `));
});

test('without a dataset there is no account for one, and bq is not asked for', async (t) => {
  const { folder, cluster, calls } = await cloud(t, { DATASET: '' });
  await rm(join(folder, 'bin', 'bq'));
  for (const command of ['up', 'delete']) {
    t.is((await cluster(command, '--yes')).code, 0);
    t.deepEqual(
      (await calls()).filter((call) => /^bq|clover-analytics|roles.bigquery/.test(call)),
      [],
    );
  }
});

test('the installation beside it is taken, and asks the ClickHouse of the script', async (t) => {
  const settings = join(repository, 'infra/gke/installation.yaml');
  const args = ['cloverctl/main.ts', 'install', '-f', settings, '--print'];
  const { stdout: yaml } = await run(process.execPath, args, { cwd: repository });
  t.regex(yaml, /image: europe-west1-docker\.pkg\.dev\/my-project\/clover\/clover-agent:0\.1\.0/);
  t.notRegex(yaml, /serving\.knative\.dev/);
  const { url, username, passwordSecret } = z
    .object({
      clickhouse: z.object({ url: z.string(), username: z.string(), passwordSecret: z.unknown() }),
    })
    .parse(parse(await readFile(settings, 'utf8'))).clickhouse;
  const server = await readFile(
    join(repository, 'infra/baremetal/kubernetes/clickhouse.yaml'),
    'utf8',
  );
  t.is(url, 'http://clickhouse.clover-system.svc.cluster.local:8123');
  t.regex(server, /kind: Service\nmetadata:\n {2}name: clickhouse\n {2}namespace: clover-system\n/);
  t.regex(server, new RegExp(`name: CLICKHOUSE_USER\\n +value: ${username}\\n`));
  t.deepEqual(passwordSecret, { name: 'clickhouse', key: 'password' });
});
