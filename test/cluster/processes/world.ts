import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import { bundle, type Bundle } from '../../../infra/images/bundle.ts';
import { sources } from '../../../infra/images/main.ts';
import { accessObjects } from '../../../knative/render/access.ts';
import { audienceOf } from '../../../knative/render/audience.ts';
import { agent } from '../../../knative/render/agent/names.ts';
import { userRoles } from '../../../knative/render/user-roles.ts';
import { accountToken } from '../../cloverctl/installation/cluster.ts';
import { applyDefinitions } from '../crds.ts';
import type { ApiTier } from '../tiers/api.ts';
import { withCluster } from '../with-cluster.ts';
import { installationOf } from '../../knative/render/installations.ts';
import { startTestClickHouse, type TestClickHouse } from '../../functions/analytics/start.ts';

/** A cluster and a ClickHouse for functions in processes of their own. */
export interface World {
  readonly tier: ApiTier;
  readonly clickhouse: TestClickHouse;
  /** May do everything. */
  readonly client: KubeClient;
  readonly resources: ResourceStore;
  /** A token of someone who may view everything. */
  viewerToken(): Promise<string>;
  /** A token by which an agent sends spans to ingest. */
  agentToken(): Promise<string>;
  /** Starts a function as its image does, with the rights of its account. */
  start(name: string, env?: Readonly<Record<string, string>>): Promise<FunctionProcess>;
}

/** A function that runs. */
export interface FunctionProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** SIGTERM; resolves with the exit code. */
  readonly end: () => Promise<number | null>;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<void>;
}

/** Starts a world, which goes with what `t` tears down. */
export async function createWorld(t: Pick<ExecutionContext, 'teardown'>): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-processes-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [tier, clickhouse] = await Promise.all([withCluster(t), startTestClickHouse()]);
  t.teardown(() => clickhouse.remove());
  const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
  await applyDefinitions(client);
  await applyAccess(client);
  const bundles = new Map<string, Promise<Bundle>>();

  const bundleOf = async (name: string): Promise<Bundle> => {
    const source = sources.find((each) => each.name === name);
    if (source === undefined) throw new Error(`there is no function ${name}`);
    const made = bundles.get(name) ?? bundle(source, join(folder, name));
    bundles.set(name, made);
    return made;
  };

  const tokenOf = (name: string, ...audiences: readonly string[]): Promise<string> =>
    accountToken(client, cloverNamespace, name, audiences);

  const accountOf = async (name: string): Promise<string> => {
    const token = await tokenOf(name);
    const account = await mkdtemp(join(folder, 'account-'));
    await writeFile(join(account, 'ca.crt'), tier.authority);
    await writeFile(join(account, 'token'), token);
    await writeFile(join(account, 'namespace'), cloverNamespace);
    return account;
  };

  return {
    tier,
    clickhouse,
    client,
    resources: createKubernetesStore(client),
    viewerToken: () => tokenOf(viewer),
    agentToken: () => tokenOf(agent, audienceOf(cloverNamespace, 'ingest')),
    async start(name, env = {}) {
      const { args, env: own } = await bundleOf(name);
      const { hostname, port } = new URL(tier.server);
      const { url, username, password } = clickhouse.server();
      const listen = await freePort();
      const child = spawn(process.execPath, args, {
        env: {
          ...own,
          PORT: String(listen),
          LOG_LEVEL: 'warn',
          MESH: 'istio',
          KUBERNETES_SERVICE_HOST: hostname,
          KUBERNETES_SERVICE_PORT: port,
          KUBERNETES_ACCOUNT_DIR: await accountOf(name),
          CLICKHOUSE_URL: url,
          CLICKHOUSE_USER: username,
          CLICKHOUSE_PASSWORD: password,
          ...(name === 'ingest' && { AGENT_ACCOUNT: agent }),
          ...env,
        },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const exit: Promise<unknown[]> = once(child, 'exit');
      const kill = async (): Promise<void> => {
        child.kill('SIGKILL');
        await exit;
      };
      t.teardown(kill);
      const at = `http://127.0.0.1:${listen}`;
      await ready(at, child);
      return {
        url: at,
        child,
        kill,
        end: async () => {
          child.kill('SIGTERM');
          await exit;
          return child.exitCode;
        },
      };
    },
  };
}

/** Accounts that are no function's. */
const viewer = 'viewer';
const cloverNamespace = 'clover-system';

/** What `npm run render` gives of accounts and their rights, and someone who has the role of viewers. */
async function applyAccess(client: KubeClient): Promise<void> {
  const installation = installationOf({ controlPlane: { istio: true } });
  const { namespace } = installation;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.call({ method: 'POST', path: '/api/v1/namespaces', body });
  const apiGroup = 'rbac.authorization.k8s.io';
  const metadata = { name: viewer };
  for (const object of [
    ...accessObjects(installation),
    ...userRoles(installation),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: agent } },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup, kind: 'ClusterRole', name: `${namespace}-view` },
      subjects: [{ kind: 'ServiceAccount', namespace, name: viewer }],
    },
  ]) {
    const path =
      object.kind === 'ServiceAccount'
        ? `/api/v1/namespaces/${namespace}/serviceaccounts`
        : `/apis/${object.apiVersion}/${object.kind.toLowerCase()}s`;
    await client.call({ method: 'POST', path, body: object });
  }
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(10);
  }
  throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
}
