import type { ExecutionContext } from 'ava';
import { createKubeClient, type KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { KubeConnection } from '../../functions/resources/kubernetes/connection.ts';
import { kubeconfigConnection } from '../../functions/resources/kubernetes/kubeconfig.ts';
import { applyDefinitions } from './crds.ts';
import { sharedByFile } from './shared-by-file.ts';
import type { ApiTier } from './tiers/api.ts';
import { withCluster } from './with-cluster.ts';

/** A Kubernetes API that serves our kinds, for the tests of one file. */
export interface ApiOfFile {
  readonly tier: ApiTier;
  readonly connection: KubeConnection;
  readonly client: KubeClient;
}

/** Declares a test that is given the file's API; left out where there is none. */
export type ApiTest = (
  title: string,
  run: (t: ExecutionContext, api: ApiOfFile) => Promise<void>,
) => void;

/** Starts a tier `api` that serves our kinds. */
export async function startApi(t: Pick<ExecutionContext, 'teardown'>): Promise<ApiOfFile> {
  const tier = await withCluster(t);
  const connection = await kubeconfigConnection(tier.kubeconfig);
  const client = createKubeClient(connection);
  await applyDefinitions(client);
  return { tier, connection, client };
}

/** Starts one for the tests of the file that calls it. Says why where it cannot. */
export async function apiOfFile(): Promise<ApiTest> {
  const { serial, started } = await sharedByFile(startApi);
  return (title, run) => serial(title, async (t) => run(t, await started));
}

/** Makes a namespace; of a name that is there already nothing is asked. */
export async function makeNamespace(client: KubeClient, name: string): Promise<void> {
  await client.call({
    method: 'PATCH',
    path: `/api/v1/namespaces/${name}`,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'test' },
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  });
}
