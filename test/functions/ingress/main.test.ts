import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import anyTest from 'ava';
import { z } from 'zod';
import { freePort } from '../../../functions/lib/free-port.ts';
import { networkLayerObjects } from '../../../knative/render/ingress/objects.ts';
import { networkLayerSchema } from '../../../knative/render/ingress/settings.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfig } from '../../cluster/tiers/credentials.ts';
import { conditionOf, host, isReady, rule, standOf, started, test } from './with-stand.ts';

const program = join(import.meta.dirname, '../../../functions/ingress/main.ts');
const namespace = 'clover-ingress';

const plurals: Readonly<Record<string, string>> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Deployment: 'deployments',
  Namespace: 'namespaces',
  PodDisruptionBudget: 'poddisruptionbudgets',
  Service: 'services',
  ServiceAccount: 'serviceaccounts',
};

async function apply(client: KubeClient, object: KubernetesObject): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  await client.call({
    method: 'PATCH',
    path: `${base}${scope}/${plurals[kind]}/${metadata.name}`,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'test', fieldValidation: 'Strict', force: 'true' },
    body: object,
  });
}

const withTemplate = z.object({ spec: z.object({ template: z.looseObject({}) }) });

test('what is rendered can be applied, its pods are as Pod Security wants them, and its rights suffice', async (t) => {
  const { client, tier } = await started;
  const objects = networkLayerObjects(networkLayerSchema.parse({ version: '0.1.0' }));
  for (const object of objects) await apply(client, object);
  const { spec } = withTemplate.parse(objects.find(({ kind }) => kind === 'Deployment'));
  await client.call({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { dryRun: 'All', fieldValidation: 'Strict' },
    body: { ...spec.template, apiVersion: 'v1', kind: 'Pod', metadata: { name: 'like-it' } },
  });

  const answer = await client.call({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/clover-ingress/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  });
  const { status } = z.object({ status: z.object({ token: z.string() }) }).parse(answer);
  const stand = await standOf(t, false);
  const config = join(stand.folder, 'kubeconfig');
  await writeFile(config, kubeconfig(tier.server, tier.authority, status.token));
  const port = await freePort();
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      ENVOY_FOLDER: stand.folder,
      EXTERNAL_PORT: String(stand.external),
      INGRESS_CLASS: stand.ingressClass,
      INTERNAL_PORT: String(stand.internal),
      KUBECONFIG: config,
      LOG_LEVEL: 'info',
      POD_NAMESPACE: stand.namespace,
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const log = text(child.stdout);
  const ask = async (path: string): Promise<string> =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      (found) => found.text(),
      () => '',
    );
  while (!(await ask('/health/ready')).includes('ready')) await delay(50);
  await stand.startEnvoy();
  await stand.ingress('app', { rules: [rule([{ splits: [stand.split('v1')] }])] });
  const ready = await stand.until('app', isReady);
  t.is(conditionOf(ready, 'NetworkConfigured'), 'True');
  t.deepEqual(ready.status?.privateLoadBalancer, {
    ingress: [{ domainInternal: `clover-ingress-internal.${stand.namespace}.svc.cluster.local` }],
  });
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');

  let metrics = await ask('/metrics');
  // It looks after its Envoy once a second.
  for (; !metrics.includes('clover_ingress_envoy_up 1'); await delay(50)) {
    metrics = await ask('/metrics');
  }
  t.regex(metrics, /^clover_ingress_objects\{state="ready"\} 1$/m);
  t.regex(metrics, /^clover_ingress_writes_total\{state="acknowledged"\} [1-9]/m);

  child.kill('SIGTERM');
  await once(child, 'exit');
  t.is(child.exitCode, 0);
  t.regex(await log, /"msg":"drained"/);
  t.is((await stand.get(stand.external, host)).seen?.name, 'v1');
});

anyTest('a bad environment is named, and ends it with 2', async (t) => {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, EXTERNAL_PORT: '0', POD_NAMESPACE: 'A' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said = text(child.stderr);
  await once(child, 'exit');
  t.is(child.exitCode, 2);
  t.regex(await said, /POD_NAMESPACE: .*EXTERNAL_PORT: /);
});
