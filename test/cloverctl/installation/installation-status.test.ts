import test from 'ava';
import { version } from '../../../functions/lib/version.ts';
import { whyLeftOut, withCluster } from '../../cluster/with-cluster.ts';
import { runCli, type CliResult } from '../run-cli.ts';

const why = await whyLeftOut();
if (why !== undefined) process.stderr.write(`${why}\n`);
const serial = why === undefined ? test.serial : test.serial.skip;

serial('status tells of an installation what is missing', async (t) => {
  t.timeout(240_000);
  const tier = await withCluster(t);
  const run = (...args: readonly string[]): Promise<CliResult> =>
    runCli(args, { variables: { KUBECONFIG: tier.kubeconfig } });
  const nothing = await run('status');
  t.is(nothing.code, 3);
  t.regex(nothing.stderr, /there is no Clover in clover-system/);

  const secret = 'clickhouse.passwordSecret={name: clickhouse, key: password}';
  const url = 'clickhouse.url=http://clickhouse.example:8123';
  const installed = await run('install', '--wait=false', '--set', url, '--set', secret);
  t.is(installed.code, 0, installed.stderr);
  const told = await run('status', '--json');
  t.is(told.code, 1, 'no node is there, so nothing is ready');
  t.is(told.stderr, '');
  t.like(JSON.parse(told.stdout), {
    namespace: 'clover-system',
    version,
    knative: false,
    parts: [
      { kind: 'Deployment', name: 'control-plane', ready: false, pods: 0 },
      { kind: 'Deployment', name: 'admission', ready: false, pods: 0 },
      { kind: 'DaemonSet', name: 'agent' },
    ],
  });
  const table = await run('status');
  t.is(table.code, 1, table.stderr);
  const lines = table.stdout.split('\n');
  t.true(lines[0]?.startsWith(`Clover ${version} in clover-system, on Kubernetes v1.`));
  t.regex(lines[1] ?? '', /^PART +KIND +PODS +STATE$/);
  t.regex(lines[2] ?? '', /^control-plane +Deployment +0 +/);
});

serial('a control plane that is named is asked, whatever kubeconfig there is', async (t) => {
  const variables = { KUBECONFIG: '/nonexistent', CLOVER_SERVER: 'http://127.0.0.1:2' };
  const { code, stderr } = await runCli(['status'], { variables });
  t.not(code, 0);
  t.regex(stderr, /127\.0\.0\.1:2/);
});
