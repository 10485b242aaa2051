import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { createKubeClient } from '../../../../functions/resources/kubernetes/client.ts';
import { inClusterConnection } from '../../../../functions/resources/kubernetes/connection.ts';
import { createKubernetesStore } from '../../../../functions/resources/kubernetes/kubernetes-store.ts';
import { startApi } from '../../../cluster/api-of-file.ts';
import { compact } from '../../../cluster/compact.ts';
import { sharedByFile } from '../../../cluster/shared-by-file.ts';
import { storeSuite } from '../store-suite.ts';

const { serial, started } = await sharedByFile(startApi);

storeSuite(serial, 'kubernetes', async (t) => {
  const { client, connection, tier } = await started;
  const store = createKubernetesStore(client);
  t.teardown(() => store.close());
  const id = randomBytes(4).toString('hex');
  const namespaces = [`a-${id}`, `b-${id}`] as const;
  for (const name of namespaces) {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.call({ method: 'POST', path: '/api/v1/namespaces', body });
  }
  return {
    store,
    namespaces,
    forceGone: async () => {
      // Pages are read from etcd, watches from the server's memory: neither may know the past.
      await compact(tier.etcd);
      await tier.restartApiServer();
    },
    // An agent that is destroyed cuts what it has open, and goes on.
    cutWatches: async () => connection.options().then(({ agent }) => agent.destroy()),
  };
});

serial(
  'a pod reaches the server by its service account, and hears what that may not do',
  async (t) => {
    const { client, tier } = await started;
    const folder = await mkdtemp(join(tmpdir(), 'clover-account-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const account = '/api/v1/namespaces/default/serviceaccounts';
    await client.call({
      method: 'POST',
      path: account,
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'pod' } },
    });
    const answer = await client.call({
      method: 'POST',
      path: `${account}/pod/token`,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    const { status } = z.object({ status: z.object({ token: z.string() }) }).parse(answer);
    await writeFile(join(folder, 'ca.crt'), tier.authority);
    await writeFile(join(folder, 'token'), `${status.token}\n`);
    const { hostname, port } = new URL(tier.server);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    let now = 0;
    const pod = createKubeClient(inClusterConnection({ env, folder, monotonicMs: () => now }));
    t.like(await pod.call({ method: 'GET', path: '/version' }), { major: '1' });
    const list = () => createKubernetesStore(pod).list('Tap', 'default');
    await t.throwsAsync(list, {
      code: 'CLV_KUBERNETES_FORBIDDEN',
      message: /"system:serviceaccount:default:pod" cannot list resource "taps"/,
    });

    // The kubelet writes another token before this one ends.
    await writeFile(join(folder, 'token'), tier.adminToken);
    await t.throwsAsync(list, { code: 'CLV_KUBERNETES_FORBIDDEN' });
    now = 61_000;
    t.deepEqual((await list()).items, []);
  },
);
