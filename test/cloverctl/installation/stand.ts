import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { sharedByFile, type SharedByFile } from '../../cluster/shared-by-file.ts';
import type { ApiTier } from '../../cluster/tiers/api.ts';
import { withCluster } from '../../cluster/with-cluster.ts';
import { runCli, type CliResult } from '../run-cli.ts';
import { everything, settled } from './cluster.ts';

/** A cluster to install on. */
export interface InstallationStand {
  readonly tier: ApiTier;
  readonly client: KubeClient;
  /** Everything that it has before. */
  readonly before: readonly string[];
}

/** What has to be said of an installation. */
export const clickhouse = [
  '--set',
  'clickhouse.url=http://clickhouse.example:8123',
  '--set',
  'clickhouse.passwordSecret={name: clickhouse, key: password}',
] as const;

/** Starts a tier `api` for the tests of one file, and runs `cloverctl` on it. */
export async function installationStand(): Promise<
  SharedByFile<InstallationStand> & {
    readonly run: (...args: readonly string[]) => Promise<CliResult>;
  }
> {
  const shared = await sharedByFile(async (t): Promise<InstallationStand> => {
    const tier = await withCluster(t);
    const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
    await settled(client);
    return { tier, client, before: await everything(client) };
  });
  return {
    ...shared,
    run: async (...args) => {
      const { tier } = await shared.started;
      return runCli(args, { variables: { KUBECONFIG: tier.kubeconfig } });
    },
  };
}
