import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { temporaryFolder } from '../../functions/host/helpers.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../../', import.meta.url));
const script = fileURLToPath(new URL('../../../infra/gke/cluster.sh', import.meta.url));
const double = fileURLToPath(new URL('cloud-double.sh', import.meta.url));
const outcome = z.object({ code: z.int(), stdout: z.string(), stderr: z.string() });

interface Cloud {
  readonly folder: string;
  /** Runs the script where gcloud and kubectl are doubles. */
  readonly cluster: (...args: readonly string[]) => Promise<z.output<typeof outcome>>;
  /** Calls since the last time that this was asked. */
  readonly calls: () => Promise<string[]>;
  readonly refuse: (call: string) => Promise<void>;
}

async function cloud(t: ExecutionContext, settings: Record<string, string> = {}): Promise<Cloud> {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'state'));
  await mkdir(join(folder, 'bin'));
  for (const name of ['gcloud', 'kubectl']) await symlink(double, join(folder, 'bin', name));
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    CLOUD: folder,
    PROJECT: 'my-project',
    ...settings,
  };
  return {
    folder,
    async cluster(...args) {
      try {
        return { code: 0, ...(await run(script, args, { env })) };
      } catch (error) {
        return outcome.parse(error);
      }
    },
    async calls() {
      const text = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
      await rm(join(folder, 'calls'), { force: true });
      return text.split('\n').filter((line) => line !== '');
    },
    refuse: (call) => writeFile(join(folder, 'refuse'), call),
  };
}

/** The commands that a run printed. */
const said = (stdout: string): string[] =>
  stdout.split('\n').flatMap((line) => (line.startsWith('+ ') ? [line.slice(2)] : []));

/** What a call does, without what it asks and its options. */
const deeds = (calls: readonly string[]): string[] =>
  calls
    .filter((call) => !/ (?:describe|get) /.test(call))
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
    const made = (await calls()).filter((call) => !/ (?:describe|get) /.test(call));
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
    'gcloud container clusters get-credentials clover',
    'kubectl create namespace',
    'kubectl create secret generic clickhouse',
    'kubectl apply',
    'kubectl rollout status statefulset/clickhouse',
  ]);
  t.is((await cluster('up')).code, 0);
  t.deepEqual(
    (await calls()).filter((call) => / create /.test(call)),
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

const lint = existsSync('/usr/bin/gcloud') ? test : test.skip;
if (lint === test.skip)
  process.stderr.write('commands are not shown to gcloud: it is not installed\n');

lint('gcloud itself takes every command, by its own reading of commands', async (t) => {
  t.timeout(120_000);
  const { folder, cluster, calls } = await cloud(t);
  await cluster('up');
  await cluster('delete', '--yes');
  const commands = (await calls()).filter((call) => call.startsWith('gcloud '));
  t.true(commands.length > 15);
  const wrong = 'gcloud container clusters create clover --no-such-flag';
  const file = join(folder, 'commands.md');
  await writeFile(file, ['```', ...commands, wrong, '```', ''].join('\n'));
  const { stdout } = await run(
    '/usr/bin/gcloud',
    ['meta', 'lint-gcloud-commands', '--commands-text-file', file],
    {
      maxBuffer: 2 ** 26,
      env: {
        PATH: process.env['PATH'],
        // It reads commands: it needs, and gets, no account and no network.
        CLOUDSDK_CONFIG: join(folder, 'config'),
        CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
        CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1',
        CLOUDSDK_CORE_CHECK_GCE_METADATA: '0',
      },
    },
  );
  const verdicts = z
    .array(
      z.object({
        command_string: z.string(),
        success: z.boolean(),
        error_message: z.string().nullish(),
      }),
    )
    .parse(JSON.parse(stdout));
  t.is(verdicts.length, commands.length + 1);
  for (const { command_string: command, success, error_message: message } of verdicts) {
    t.is(success, !command.includes('--no-such-flag'), `${command}: ${message}`);
  }
});
