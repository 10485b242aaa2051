import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { applyObject } from '../../../cloverctl/installation/apply-objects.ts';
import { agentObjects } from '../../../knative/render/agent/objects.ts';
import { applyDefinitions } from '../../cluster/crds.ts';
import type { ApiTier } from '../../cluster/tiers/api.ts';
import { withCluster } from '../../cluster/with-cluster.ts';
import { installationOf } from '../../knative/render/installations.ts';

/** One request of the agent's account that the API server's audit log has. */
export interface Asked {
  readonly verb: string;
  readonly resource: string;
  readonly uri: string;
}

/** An API server with a node that has no kubelet, and an account for its agent. */
export interface ClusterNode {
  readonly tier: ApiTier;
  /** The administrator's. */
  readonly client: KubeClient;
  readonly name: string;
  /** As a pod's: `token`, `ca.crt` and `namespace`. */
  readonly accountFolder: string;
  /** The variables by which a pod finds the server. */
  readonly env: Readonly<Record<string, string>>;
  /** Requests of the account so far. */
  asked(): Promise<readonly Asked[]>;
  /** Resolves to the pod's uid. */
  addPod(name: string, pod?: PodWishes): Promise<string>;
  removePod(name: string): Promise<void>;
  labelPod(name: string, labels: Record<string, string>): Promise<void>;
  setTap(name: string, spec: object | undefined): Promise<void>;
  /** Another token for the account; it ends with the Secret of that name. */
  writeToken(secret: string): Promise<void>;
  endToken(secret: string): Promise<void>;
}

/** What differs from a pod named `name` on the node. */
export interface PodWishes {
  readonly labels?: Record<string, string>;
  readonly hostNetwork?: boolean;
  /** Default: this one. */
  readonly node?: string;
}

const user = 'system:serviceaccount:shop:agent';
const pods = '/api/v1/namespaces/shop/pods';
const taps = '/apis/clover.dev/v1alpha1/namespaces/shop/taps';
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted, ResponseComplete, Panic]
rules: [{ level: Metadata, users: ['${user}'] }, { level: None }]
`;
const auditLine = z.object({
  verb: z.string(),
  requestURI: z.string(),
  objectRef: z.object({ resource: z.string() }),
});
const made = z.object({ metadata: z.object({ uid: z.string() }) });

/** Starts an API server of its own, with the namespace `shop` and the node. */
export async function startClusterNode(
  t: Pick<ExecutionContext, 'teardown'>,
  apiServerArgs: readonly string[] = [],
): Promise<ClusterNode> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-agent-account-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const auditLog = join(folder, 'audit.log');
  await writeFile(join(folder, 'audit.yaml'), auditPolicy);
  const tier = await withCluster(t, 'api', [
    `--audit-policy-file=${join(folder, 'audit.yaml')}`,
    `--audit-log-path=${auditLog}`,
    ...apiServerArgs,
  ]);
  const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
  await applyDefinitions(client);
  const name = 'node-1';
  const make = async (path: string, body: object): Promise<string> =>
    made.parse(await client.call({ method: 'POST', path, body })).metadata.uid;
  await make('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  await makeAccount(client, make);
  const { hostname, port } = new URL(tier.server);
  await writeFile(join(folder, 'ca.crt'), tier.authority);
  await writeFile(join(folder, 'namespace'), 'shop');

  const node: ClusterNode = {
    tier,
    client,
    name,
    accountFolder: folder,
    env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    async asked() {
      const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line !== '');
      return lines.map((line) => {
        const { verb, requestURI: uri, objectRef } = auditLine.parse(JSON.parse(line));
        return { verb, resource: objectRef.resource, uri };
      });
    },
    addPod: (pod, { labels = {}, hostNetwork = false, node: nodeName = name } = {}) =>
      make(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: pod, labels },
        spec: { nodeName, hostNetwork, containers: [{ name: 'app', image: 'app' }] },
      }),
    async removePod(pod) {
      const query = { gracePeriodSeconds: '0' };
      await client.call({ method: 'DELETE', path: `${pods}/${pod}`, query });
    },
    async labelPod(pod, labels) {
      await client.call({
        method: 'PATCH',
        path: `${pods}/${pod}`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { labels } },
      });
    },
    async setTap(tap, spec) {
      if (spec === undefined) {
        await client.call({ method: 'DELETE', path: `${taps}/${tap}` });
        return;
      }
      await client.call({
        method: 'PATCH',
        path: `${taps}/${tap}`,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'test', force: 'true' },
        body: {
          apiVersion: 'clover.dev/v1alpha1',
          kind: 'Tap',
          metadata: { name: tap, namespace: 'shop' },
          spec,
        },
      });
    },
    async writeToken(secret) {
      const uid = await make('/api/v1/namespaces/shop/secrets', {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret },
      });
      const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: secret, uid };
      const answer = await client.call({
        method: 'POST',
        path: '/api/v1/namespaces/shop/serviceaccounts/agent/token',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { boundObjectRef },
        },
      });
      const { status } = z.object({ status: z.object({ token: z.string() }) }).parse(answer);
      await writeFile(join(folder, 'token'), `${status.token}\n`);
    },
    async endToken(secret) {
      await client.call({ method: 'DELETE', path: `/api/v1/namespaces/shop/secrets/${secret}` });
    },
  };
  await node.writeToken('first');
  return node;
}

async function makeAccount(
  client: KubeClient,
  make: (path: string, body: object) => Promise<string>,
): Promise<void> {
  await make('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop' },
  });
  const rendered = agentObjects(
    installationOf({ namespace: 'shop', agent: { metricsPort: 9_465 } }),
  );
  for (const object of rendered.filter(({ kind }) => /Account|Role/.test(kind)))
    await applyObject({ client, force: false }, object);
  // A controller makes it; without it no pod is admitted.
  const path = '/api/v1/namespaces/shop/serviceaccounts/default';
  while (
    !(await client.call({ method: 'GET', path }).then(
      () => true,
      () => false,
    ))
  )
    await sleep(50);
}
