import { createKubeClient } from '../resources/kubernetes/client.ts';
import { inClusterConnection } from '../resources/kubernetes/connection.ts';
import { kubeconfigConnection } from '../resources/kubernetes/kubeconfig.ts';
import { createKubernetesStore } from '../resources/kubernetes/kubernetes-store.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { HostConfig } from './config.ts';

/**
 * The objects of a cluster: by the pod's service account, or by a kubeconfig.
 * @throws CloverError CLV_CONFIG_INVALID where neither is there.
 */
export async function openKubernetesResources({
  kubernetes: { kubeconfig },
}: NonNullable<HostConfig['resources']>): Promise<ResourceStore> {
  const connection =
    kubeconfig === undefined
      ? inClusterConnection({ monotonicMs: () => performance.now() })
      : await kubeconfigConnection(kubeconfig);
  return createKubernetesStore(createKubeClient(connection));
}
