import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { startApi, type ApiServer } from '../functions/api/server.ts';
import { examples } from '../functions/resources/examples.ts';
import { runCli, type CliResult } from './run-cli.ts';

type Cli = (args: string, stdin?: string) => Promise<CliResult>;

async function start(t: ExecutionContext): Promise<{ api: ApiServer; cli: Cli }> {
  const api = await startApi(t);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  const cli: Cli = (args, stdin = '') => runCli(args.split(' '), { variables, stdin });
  return { api, cli };
}

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'clv-cli-'));
  t.teardown(() => rm(path, { recursive: true }));
  return path;
}

const yaml = (...documents: readonly unknown[]): string =>
  documents.map((document) => stringify(document)).join('---\n');

test('apply says of every document whether it was created, configured or unchanged', async (t) => {
  const { cli } = await start(t);
  const both = yaml(examples.TrafficPolicy, examples.Tap);
  const first = await cli('apply -f -', both);
  t.deepEqual(first, {
    code: 0,
    stdout: 'trafficpolicy.clover.dev/proxy created\ntap.clover.dev/web created\n',
    stderr: '',
  });
  const second = await cli(
    'apply -f -',
    yaml(examples.TrafficPolicy, { ...examples.Tap, spec: {} }),
  );
  t.is(second.stdout, 'trafficpolicy.clover.dev/proxy unchanged\ntap.clover.dev/web configured\n');
});

test('apply reads files and folders, and a dry run stores nothing', async (t) => {
  const { api, cli } = await start(t);
  const path = await folder(t);
  await writeFile(join(path, 'a.yaml'), yaml(examples.Tap));
  await writeFile(join(path, 'b.json'), JSON.stringify(examples.TrafficPolicy));
  await writeFile(join(path, 'notes.txt'), 'not a manifest');
  const dry = await cli(`apply -f ${path} --dry-run`);
  t.is(
    dry.stdout,
    'tap.clover.dev/web created (dry run)\ntrafficpolicy.clover.dev/proxy created (dry run)\n',
  );
  t.is((await api.store.list('Tap')).items.length, 0);
  t.is((await cli(`apply -f ${join(path, 'b.json')}`)).code, 0);
});

test('an invalid document is refused with field and fix, and the others are applied', async (t) => {
  const { cli } = await start(t);
  const bad = { ...examples.Tap, spec: { ports: [0], slector: {} } };
  const result = await cli('apply -f -', yaml(bad, examples.TrafficPolicy));
  t.is(result.code, 4);
  t.is(result.stdout, 'trafficpolicy.clover.dev/proxy created\n');
  t.regex(result.stderr, /^error: stdin document 1: Tap "web" is invalid/);
  t.regex(result.stderr, /spec\.ports\[0\]: found 0; must be at least 1/);
  t.regex(result.stderr, /spec\.slector: unknown field, did you mean "selector"\?/);
});

test('what is no Clover resource is refused before anything is sent', async (t) => {
  const { api, cli } = await start(t);
  const result = await cli('apply -f -', yaml(examples.Tap, { ...examples.Tap, kind: 'Tpa' }));
  t.is(result.code, 4);
  t.regex(
    result.stderr,
    /stdin document 2 is no Clover resource: kind: found "Tpa", did you mean "Tap"\?/,
  );
  t.is((await api.store.list('Tap')).items.length, 0);
  t.is((await cli('apply -f -', 'a: [')).code, 4);
  t.is((await cli('apply -f -', '')).code, 2);
  t.is((await cli('apply -f missing.yaml')).code, 2);
});

test('an experiment whose target is missing is applied with a warning', async (t) => {
  const { cli } = await start(t);
  const result = await cli('apply -f -', yaml(examples.Experiment));
  t.is(result.code, 0);
  t.regex(
    result.stderr,
    /^warning: experiment try-v2 waits for TrafficPolicy shop\/proxy, which does not exist/,
  );
});

test('a policy whose target an older one has is applied with a warning', async (t) => {
  const { api, cli } = await start(t);
  await cli('apply -f -', yaml(examples.TrafficPolicy));
  const rival = { ...examples.TrafficPolicy, metadata: { name: 'rival', namespace: 'else' } };
  const result = await cli('apply -f -', yaml(rival));
  t.is(result.code, 0);
  t.is(
    result.stderr,
    'warning: policy rival gets no traffic: host "shop.example" on port 8080 belongs to the older TrafficPolicy shop/proxy\n',
  );
  t.is((await cli('apply -f -', yaml(examples.TrafficPolicy))).stderr, '');
  t.is((await api.store.list('TrafficPolicy')).items.length, 2);
});

test('apply --wait ends when the policy is programmed', async (t) => {
  const { api, cli } = await start(t);
  const waiting = cli('apply --wait -f -', yaml(examples.TrafficPolicy));
  const signal = AbortSignal.timeout(60_000);
  for await (const { object } of api.store.watch('TrafficPolicy', '0', { signal })) {
    if (object.kind !== 'TrafficPolicy') continue;
    const lastTransitionTime = new Date().toISOString();
    const facts = {
      reason: 'Acknowledged',
      message: '',
      observedGeneration: 1,
      lastTransitionTime,
    };
    const conditions = [{ type: 'Programmed', status: 'True' as const, ...facts }];
    await api.store.patchStatus(object, { conditions });
    break;
  }
  const result = await waiting;
  t.is(
    result.stdout,
    'trafficpolicy.clover.dev/proxy created\ntrafficpolicy.clover.dev/proxy programmed\n',
  );
  t.is(result.code, 0);
});

test('get prints tables, names, YAML that can be applied, and one JSON document', async (t) => {
  const { cli } = await start(t);
  await cli('apply -f -', yaml(examples.TrafficPolicy, examples.Tap));
  const rows = (await cli('get tp -n shop')).stdout.split('\n');
  t.regex(rows[0] ?? '', /^NAME +HOST +PORT +VERSIONS +ACCEPTED +PROGRAMMED +AGE$/);
  t.regex(rows[1] ?? '', /^proxy +shop\.example +8080 +v1,v2 +Unknown +Unknown +\d+s$/);
  t.regex((await cli('get taps -A')).stdout, /^NAMESPACE +NAME[^]*\nshop +web +app=web +80,8080/);
  t.regex((await cli('get trafficpolicy proxy -n shop -o wide')).stdout, /SNAPSHOT/);
  t.is(
    (await cli('get TrafficPolicies -n shop -o name')).stdout,
    'trafficpolicy.clover.dev/proxy\n',
  );
  const asYaml = (await cli('get tp proxy -n shop -o yaml')).stdout;
  t.is((await cli('apply -f -', asYaml)).stdout, 'trafficpolicy.clover.dev/proxy unchanged\n');
  const list: unknown = JSON.parse((await cli('get tp -n shop --json')).stdout);
  t.like(list, { kind: 'TrafficPolicyList', items: { 0: { metadata: { name: 'proxy' } } } });
});

test('what is not found, not known or not used rightly has its own exit code', async (t) => {
  const { cli } = await start(t);
  const missing = await cli('get tap none');
  t.is(missing.code, 3);
  t.is(missing.stderr, 'error: Tap default/none does not exist\n');
  const typo = await cli('get experimens');
  t.is(typo.code, 2);
  t.is(typo.stderr, 'error: unknown kind "experimens": did you mean "experiments"?\n');
  t.is((await cli('gte taps')).code, 2);
  t.is((await cli('get taps --nope')).code, 2);
  t.is((await cli('delete tap')).code, 2);
  t.is((await cli('delete tap none')).code, 3);
  const empty = await cli('get taps');
  t.deepEqual(empty, { code: 0, stdout: '', stderr: 'no taps in namespace default\n' });
});

test('with --json an error is the one JSON document of the output', async (t) => {
  const { cli } = await start(t);
  const document: unknown = JSON.parse((await cli('--json get tap none')).stdout);
  t.like(document, { error: { code: 'CLV_NOT_FOUND' } });
});

test('delete takes names and files', async (t) => {
  const { cli } = await start(t);
  const both = yaml(examples.TrafficPolicy, examples.Tap);
  await cli('apply -f -', both);
  t.is((await cli('delete tap web -n shop')).stdout, 'tap.clover.dev/web deleted\n');
  const rest = await cli('delete -f -', both);
  t.is(rest.stdout, 'trafficpolicy.clover.dev/proxy deleted\n');
  t.is(rest.code, 3);
});

test('watch prints every change until it is interrupted', async (t) => {
  const { api } = await start(t);
  await api.store.applySpec(examples.Tap, { manager: 'test' });
  let deleted = false;
  const result = await runCli(['watch', 'tap', 'web', '-n', 'shop'], {
    variables: { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token },
    until: (stdout) => {
      if (stdout.includes('ADDED') && !deleted) {
        deleted = true;
        void api.store.delete('Tap', 'shop', 'web');
      }
      return stdout.includes('DELETED');
    },
  });
  t.is(result.code, 0);
  t.regex(result.stdout, /^EVENT +NAME[^]*\nADDED +web +app=web[^]*\nDELETED +web/);
});

test('describe tells conditions, timeline, evidence and intents of a run', async (t) => {
  const { api, cli } = await start(t);
  const run = await api.store.applySpec(
    {
      kind: 'ExperimentRun',
      metadata: { name: 'try-v2-1', namespace: 'shop' },
      spec: {
        experiment: { name: 'try-v2', uid: 'u', generation: 1 },
        plan: examples.Experiment.spec,
      },
    },
    { manager: 'test' },
  );
  if (run.kind !== 'ExperimentRun') throw new TypeError('not a run');
  const intent = { epoch: 1, variantWeight: 50, at: '1970-01-01T00:00:01.000Z' };
  await api.store.patchStatus(run, {
    phase: 'Succeeded',
    verdict: 'PASS',
    reason: 'better',
    intent,
    intents: [intent],
    startedAt: '1970-01-01T00:00:00.000Z',
    evidence: {
      samples: { control: 120, variant: 118 },
      errors: { control: 1, variant: 0 },
      stuck: 0,
      missing: 2,
      effects: [{ metric: 'latency', estimate: 0.031, low: 0.01, high: 0.052 }],
      window: { from: '1970-01-01T00:00:02.000Z', to: '1970-01-01T00:00:05.000Z' },
    },
  });
  const { stdout, code } = await cli('describe run try-v2-1 -n shop');
  t.is(code, 0);
  t.regex(stdout, /Succeeded, PASS, better/);
  t.regex(stdout, /started +1970-01-01T00:00:00\.000Z/);
  t.regex(stdout, /window +1970-01-01T00:00:02\.000Z to 1970-01-01T00:00:05\.000Z/);
  t.regex(stdout, /samples +control 120, variant 118/);
  t.regex(stdout, /effect +latency \+3\.1 % \[\+1\.0 %, \+5\.2 %\]/);
  t.regex(stdout, /\n +1 +50% +- +1970-01-01T00:00:01\.000Z/);
  const looks = await cli('looks try-v2-1 -n shop -o wide');
  t.is(looks.code, 0);
  t.regex(
    looks.stdout,
    /\n +1 +1970-01-01T\S+ +judge +PASS +120\/118 +1\/0 +ok +[\da-f]{12} +latency \+3\.1 %/,
  );
});

test('red and status are tables, or one JSON document', async (t) => {
  const { cli } = await start(t);
  const { stdout } = await cli('red --last 100s');
  t.regex(
    stdout,
    /^SERVICE +VERSION[^]*\nproxy +v1 +SERVER +200 +2\.0\/s +1 +0\.50% +1\.5ms +4\.0ms +9\.0ms\n$/,
  );
  const red: unknown = JSON.parse((await cli('red --json')).stdout);
  t.like(red, { rows: { 0: { requests: 200 } } });
  t.regex((await cli('status')).stdout, /api\.watches +0/);
});

test('without a control plane, and with one that is down, the way out is told with its own exit code', async (t) => {
  const { api } = await start(t);
  const none = await runCli(['get', 'taps'], { variables: { CLOVER_HOME: await folder(t) } });
  t.is(none.code, 5);
  t.regex(none.stderr, /start one with "cloverctl up"/);
  const variables = { CLOVER_SERVER: api.url, CLOVER_TOKEN: api.token };
  t.is((await runCli(['get', 'taps'], { variables })).code, 0);
  await api.stop();
  const down = await runCli(['get', 'taps'], { variables });
  t.is(down.code, 5);
  t.regex(down.stderr, /no control plane answers at http:\/\/127\.0\.0\.1:\d+ .*cloverctl up/);
});

test('help lists commands and exit codes', async (t) => {
  t.regex((await runCli(['install', '--help'])).stdout, /longest wait, [^(]*\(default: 5m\)/);
  const help = await runCli(['--help']);
  t.is(help.code, 0);
  for (const word of [
    'apply',
    'describe',
    'watch',
    '5  the control plane, or the cluster, is unreachable',
  ]) {
    t.true(help.stdout.includes(word), word);
  }
  t.is((await runCli(['help', 'apply'])).code, 0);
});

test('output that is not a terminal has no colours', async (t) => {
  const { cli } = await start(t);
  const results = [await cli('get tap none'), await cli('red'), await cli('--help')];
  for (const { stdout, stderr } of results) t.false(`${stdout}${stderr}`.includes('\u001B'));
});
