import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeTier } from '../tiers/node.ts';

/**
 * Gives a node one volume of the class that is the cluster's default: a folder of this machine, which belongs to root.
 * @returns path of the folder.
 */
export async function makeLocalVolume(tier: NodeTier): Promise<string> {
  const { folder, nodeName } = tier;
  const path = join(folder, 'volume');
  await mkdir(path, { mode: 0o700 });
  const storageClassName = 'local';
  const hostname = { key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] };
  const items = [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: {
        name: storageClassName,
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'local' },
      spec: {
        storageClassName,
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [hostname] }] } },
      },
    },
  ];
  const list = { apiVersion: 'v1', kind: 'List', items };
  await tier.kubectl(
    ['apply', '--server-side', '--validate=false', '-f', '-'],
    JSON.stringify(list),
  );
  return path;
}
