import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createKubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { version } from '../../../functions/lib/version.ts';
import { clusterTest } from '../../cluster/shared-by-file.ts';
import { withCluster } from '../../cluster/with-cluster.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';
import { linesOf } from '../installation/cluster.ts';
import { runCli, type CliResult } from '../run-cli.ts';

const serial = await clusterTest();

const lookedAt = z.object({ status: z.object({ observedGeneration: z.int() }) });
const issued = z.object({ status: z.object({ token: z.string() }) });
const accounts = '/api/v1/namespaces/default/serviceaccounts';
const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
const viewerBinding = {
  metadata: { name: 'viewer' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  subjects: [{ kind: 'ServiceAccount', name: 'viewer', namespace: 'default' }],
};
const kernels = { old: '5.4.0', fresh: '6.12.1' };

serial('doctor names what is not well, and what helps', async (t) => {
  t.timeout(240_000);
  const tier = await withCluster(t);
  const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
  const run = (...args: readonly string[]): Promise<CliResult> =>
    runCli(args, { variables: { KUBECONFIG: tier.kubeconfig } });
  const nothing = await run('doctor', '--json');
  t.is(nothing.code, 1);
  t.like(JSON.parse(nothing.stdout), {
    of: 'cluster',
    findings: [
      { check: 'Kubernetes' },
      { state: 'bad', found: 'there is no Clover in clover-system' },
    ],
  });

  const secret = 'clickhouse.passwordSecret={name: clickhouse, key: password}';
  const url = 'clickhouse.url=http://clickhouse.example:8123';
  const installed = await run('install', '--wait=false', '--set', url, '--set', secret);
  t.is(installed.code, 0, installed.stderr);
  for (const [name, kernelVersion] of Object.entries(kernels)) {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
    await client.call({ method: 'POST', path: '/api/v1/nodes', body: node });
    await client.call({
      method: 'PATCH',
      path: `/api/v1/nodes/${name}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { nodeInfo: { kernelVersion } } },
    });
  }
  const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/clover-system-agent';
  await client.call({ method: 'DELETE', path: role });
  // On an idle machine doctor is faster than the controller of Deployments.
  const deployment = '/apis/apps/v1/namespaces/clover-system/deployments/control-plane';
  const isLookedAt = async (): Promise<boolean> =>
    lookedAt.safeParse(await client.call({ method: 'GET', path: deployment })).success;
  while (!(await isLookedAt())) await sleep(50);
  const told = await run('doctor');
  t.is(told.code, 1, told.stderr);
  const lines = linesOf(told);
  for (const line of [
    `✓ installation: Clover ${version} in clover-system`,
    '✓ your permissions: enough for an upgrade',
    '! databases: databases are on no volume: with each upgrade or eviction go events that wait, dead letters, evidence and looks',
    '! admission webhook: the API server takes what lint refuses: it does not reach the webhook',
    '✗ node/old: Linux 5.4.0',
    '✓ node/fresh: Linux 6.12.1',
    '✗ clusterrole.rbac.authorization.k8s.io/clover-system-agent: is not there',
  ]) {
    t.true(lines.includes(line), `${line}\n${told.stdout}`);
  }
  t.true(
    lines.some((line) => line.startsWith('✗ deployment.apps/control-plane: 0 of 1 ')),
    told.stdout,
  );

  // Who may not look at all of it is told of the rest.
  const account = { metadata: { name: 'viewer' } };
  await client.call({ method: 'POST', path: accounts, body: account });
  await client.call({ method: 'POST', path: bindings, body: viewerBinding });
  const { status } = issued.parse(
    await client.call({ method: 'POST', path: `${accounts}/viewer/token`, body: {} }),
  );
  const of = await readFile(tier.kubeconfig, 'utf8');
  const config = join(await temporaryFolder(t), 'kubeconfig');
  await writeFile(config, of.replace(/(token"?: ?"?)[^",\s]+/, `$1${status.token}`));
  const seen = await runCli(['doctor'], { variables: { KUBECONFIG: config } });
  t.is(seen.code, 1, seen.stderr);
  const found = linesOf(seen);
  t.true(found.includes(`✓ installation: Clover ${version} in clover-system`), seen.stdout);
  t.true(
    found.some((line) =>
      line.startsWith(
        '! clusterrole.rbac.authorization.k8s.io/clover-system-control-plane: may not be looked at: ',
      ),
    ),
    seen.stdout,
  );
  t.true(
    found.some((line) => line.startsWith('✗ deployment.apps/control-plane: 0 of 1 ')),
    seen.stdout,
  );
});
