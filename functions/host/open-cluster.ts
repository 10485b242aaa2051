import { createKubeClient, type KubeClient } from '../resources/kubernetes/client.ts';
import { inClusterConnection } from '../resources/kubernetes/connection.ts';
import { kubeconfigConnection } from '../resources/kubernetes/kubeconfig.ts';
import type { HostConfig } from './config.ts';

/**
 * The cluster that keeps the objects: by the pod's service account, or by a kubeconfig.
 * @throws CloverError CLV_CONFIG_INVALID where neither is there.
 */
export async function openCluster({
  kubernetes: { kubeconfig },
}: NonNullable<HostConfig['resources']>): Promise<KubeClient> {
  const connection =
    kubeconfig === undefined
      ? inClusterConnection({ monotonicMs: () => performance.now() })
      : await kubeconfigConnection(kubeconfig);
  return createKubeClient(connection);
}
