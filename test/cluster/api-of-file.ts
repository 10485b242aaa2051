import test, { type ExecutionContext } from 'ava';
import { createKubeClient, type KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { KubeConnection } from '../../functions/resources/kubernetes/connection.ts';
import { kubeconfigConnection } from '../../functions/resources/kubernetes/kubeconfig.ts';
import { applyDefinitions } from './crds.ts';
import type { ApiTier } from './tiers/api.ts';
import { whyLeftOut, withCluster } from './with-cluster.ts';

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

/** Starts a tier `api` before the tests of the file that calls it, and takes it down after them. Says why where it cannot. */
export async function apiOfFile(): Promise<ApiTest> {
  const why = await whyLeftOut();
  if (why !== undefined) {
    process.stderr.write(`${why}\n`);
    return (title) => test.serial.skip(title, () => undefined);
  }
  const started = Promise.withResolvers<ApiOfFile>();
  const ends: (() => unknown)[] = [];
  test.before('the API server serves our kinds', async (t) => {
    t.timeout(120_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'api');
    const connection = await kubeconfigConnection(tier.kubeconfig);
    const client = createKubeClient(connection);
    await applyDefinitions(client);
    started.resolve({ tier, connection, client });
  });
  test.after.always('the API server is taken down', async () => {
    for (const end of ends.toReversed()) await end();
  });
  return (title, run) => test.serial(title, async (t) => run(t, await started.promise));
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
