import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createKubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { applyDefinitionsOf } from '../../cluster/crds.ts';
import { clusterTest } from '../../cluster/shared-by-file.ts';
import { withCluster } from '../../cluster/with-cluster.ts';
import { runCli } from '../../cloverctl/run-cli.ts';
import { accountConfig } from '../../cloverctl/installation/cluster.ts';
import { istioDefinitions } from '../mesh/istio/stand.ts';
import { temporaryFolder, until } from './helpers.ts';

const serial = await clusterTest();

const program = fileURLToPath(new URL('../../../functions/host/main.ts', import.meta.url));
const announced = z.looseObject({ url: z.string() });

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

serial(
  'one process keeps its objects in a cluster with the rights of its account, and no others',
  async (t) => {
    t.timeout(240_000);
    const tier = await withCluster(t);
    const installed = await runCli(
      [
        'install',
        '--wait=false',
        '--set',
        'clickhouse.url=http://clickhouse.example:8123',
        '--set',
        'clickhouse.passwordSecret={name: clickhouse, key: password}',
        '--set',
        'admission.enabled=false',
      ],
      { variables: { KUBECONFIG: tier.kubeconfig } },
    );
    t.is(installed.code, 0, installed.stderr);
    const admin = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
    // What a mesh has is there to be refused, and not merely absent.
    if (istioDefinitions !== undefined) await applyDefinitionsOf(admin, istioDefinitions);
    const folder = await temporaryFolder(t);
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, await accountConfig(admin, tier, 'clover-system', 'control-plane'));

    const account = createKubeClient(await kubeconfigConnection(kubeconfig));
    for (const path of [
      '/api/v1/secrets',
      '/api/v1/namespaces/clover-system/secrets/control-plane-token',
      '/api/v1/pods',
      '/apis/apps/v1/deployments',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      '/apis/networking.istio.io/v1/virtualservices',
    ]) {
      const asked = account.call({ method: 'GET', path });
      await t.throwsAsync(asked, { code: 'CLV_KUBERNETES_FORBIDDEN' }, path);
    }

    const dataDir = join(folder, 'data');
    const config = join(folder, 'host.json');
    const token = 'a-token-for-the-tests';
    const agentToken = 'a-token-for-the-agents';
    const clickhouse = { url: 'http://127.0.0.1:9', username: 'u', password: 'p', database: 'c' };
    const resources = { kubernetes: { kubeconfig } };
    await writeFile(config, JSON.stringify({ dataDir, token, agentToken, clickhouse, resources }));
    const child = spawn(process.execPath, [program, '--config', config], { stdio: 'pipe' });
    t.teardown(() => child.kill('SIGKILL'));
    let log = '';
    child.stdout.on('data', (data: Buffer) => (log += data.toString()));
    child.stderr.on('data', (data: Buffer) => (log += data.toString()));
    const ended: Promise<unknown> = once(child, 'close');
    const file = join(dataDir, 'host.json');
    await until(async () => child.exitCode !== null || (await exists(file)));
    t.is(child.exitCode, null, log);
    const { url } = announced.parse(JSON.parse(await readFile(file, 'utf8')));
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const path = '/apis/clover.dev/v1alpha1/namespaces/default/experiments/try';
    const spec = { targetRef: { name: 'nobody' }, control: 'v1', variant: 'v2' };
    const store = createKubernetesStore(admin);
    t.teardown(() => store.close());
    const experiment = {
      apiVersion: 'clover.dev/v1alpha1',
      kind: 'Experiment',
      metadata: { name: 'try', namespace: 'default' },
      spec,
    };
    const put = await fetch(`${url}${path}`, {
      method: 'PUT',
      headers,
      body: JSON.stringify(experiment),
    });
    t.true(put.ok, await put.text());
    // What its watch tells reaches evaluate, whose status is in the cluster.
    await until(async () => {
      const found = await store.get('Experiment', 'default', 'try');
      return (found?.status.conditions ?? []).length > 0;
    });
    const metadata = { name: 'all', namespace: 'default' };
    await store.applySpec({ kind: 'Tap', metadata, spec: {} }, { manager: 'test' });
    await until(async () => {
      const { conditions = [] } = (await store.get('Tap', 'default', 'all'))?.status ?? {};
      return conditions.some(({ reason }) => reason === 'NoPods');
    });
    // With a token of the cluster: what the cluster allows.
    await admin.call({
      method: 'POST',
      path: '/api/v1/namespaces/default/serviceaccounts',
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'viewer' } },
    });
    await admin.call({
      method: 'POST',
      path: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings',
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'viewer' },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'clover-system-view',
        },
        subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'viewer' }],
      },
    });
    const { status } = z.object({ status: z.object({ token: z.string() }) }).parse(
      await admin.call({
        method: 'POST',
        path: '/api/v1/namespaces/default/serviceaccounts/viewer/token',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
      }),
    );
    const answered = async (bearer: string, method: string, at = path): Promise<number> => {
      const answer = await fetch(`${url}${at}`, {
        method,
        headers: { authorization: `Bearer ${bearer}` },
      });
      await answer.text();
      return answer.status;
    };
    await until(async () => (await answered(status.token, 'GET')) === 200);
    t.is(await answered(status.token, 'DELETE'), 403);
    t.is(await answered(status.token, 'GET', '/v1/status'), 403, 'it is of all namespaces');
    t.is(await answered('a-token-of-nobody', 'GET'), 401);
    // As a Prometheus in the cluster scrapes: with the right that it has for Kubernetes' own components.
    t.is(await answered('a-token-of-nobody', 'GET', '/metrics'), 401);
    t.is(await answered(agentToken, 'GET', '/metrics'), 403);
    t.is(await answered(status.token, 'GET', '/metrics'), 403);
    await admin.call({
      method: 'POST',
      path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'scraper' },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'clover-system-metrics-reader',
        },
        subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'viewer' }],
      },
    });
    await until(async () => (await answered(status.token, 'GET', '/metrics')) === 200);
    t.is(await answered(status.token, 'GET', '/v1/status'), 403, 'and no other path');
    t.is(await answered(agentToken, 'GET'), 403);
    t.is(await answered(agentToken, 'DELETE'), 403);
    t.is(await answered(agentToken, 'GET', '/apis/clover.dev/v1alpha1/taps'), 200);
    t.regex(log, /"actor":"the token of the control plane"/);
    const gone = await fetch(`${url}${path}`, { method: 'DELETE', headers });
    t.true(gone.ok, await gone.text());
    await until(async () => (await store.get('Experiment', 'default', 'try')) === undefined);
    t.false(log.includes('CLV_KUBERNETES_FORBIDDEN'), log);
    child.kill('SIGTERM');
    await ended;
    t.is(child.exitCode, 0, log);
  },
);
