import type { V1Deployment, V1PersistentVolumeClaim, V1Service } from '@kubernetes/client-node';
import { configurationHash } from '../configuration-hash.ts';
import { imageOf } from '../image.ts';
import type { Installation } from '../installation.ts';
import { commonLabels, namespaced, selectorOf, type Rendered } from '../kubernetes-object.ts';
import { webhookMounts, webhookVolumes } from '../notifications.ts';
import { amountsOf, probesOf, schedulingOf } from '../pod-parts.ts';
import { nobody, restrictedContext } from '../security-context.ts';
import { configFile, mounts, type ConfigMap, type Secret } from './configuration.ts';
import { controlPlane, controlPlanePort } from './names.ts';
import { agentTokenSecretOf, tokenSecretOf } from './token-secrets.ts';

/** As long as it takes to finish a delivery, 30 s, and to close the databases. */
const graceSeconds = 40;

/** Databases of a volume that is full may have to be brought to another form before it answers. */
const startSeconds = 600;

const claimName = 'control-plane-data';

/**
 * The process of all functions. Its databases have one writer: the old pod goes before the new one comes.
 * @param read what it reads at its start, as far as the installation makes it.
 */
export function controlPlaneDeployment(
  installation: Installation,
  read: readonly (ConfigMap | Secret)[],
): Rendered<V1Deployment> {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: namespaced(installation, 'function', controlPlane, controlPlane),
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: selectorOf(installation, controlPlane) },
      template: {
        metadata: {
          labels: commonLabels(installation, 'function', controlPlane),
          annotations: configurationHash(...read.map(({ data }) => data)),
        },
        spec: {
          serviceAccountName: controlPlane,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: graceSeconds,
          // The volume belongs to this group.
          securityContext: { fsGroup: nobody, fsGroupChangePolicy: 'OnRootMismatch' },
          ...schedulingOf(installation),
          containers: [container(installation)],
          volumes: volumes(installation),
        },
      },
    },
  };
}

function container(installation: Installation) {
  const port = 'http';
  return {
    name: controlPlane,
    image: imageOf(installation, controlPlane),
    args: ['--config', `${mounts.config}/${configFile}`],
    ports: [{ name: port, containerPort: controlPlanePort }],
    ...probesOf({ port }, startSeconds),
    resources: amountsOf(installation.controlPlane.resources),
    securityContext: restrictedContext(),
    volumeMounts: [
      ...Object.entries(mounts).map(([name, mountPath]) => ({
        name,
        mountPath,
        readOnly: name !== 'data',
      })),
      ...webhookMounts(installation),
    ],
  };
}

function volumes(installation: Installation) {
  const { controlPlane: settings, clickhouse } = installation;
  return [
    settings.persistent
      ? { name: 'data', persistentVolumeClaim: { claimName } }
      : { name: 'data', emptyDir: { sizeLimit: settings.volumeSize } },
    { name: 'config', configMap: { name: controlPlane } },
    { name: 'token', secret: { secretName: tokenSecretOf(installation).name } },
    { name: 'agents', secret: { secretName: agentTokenSecretOf(installation).name } },
    { name: 'clickhouse', secret: { secretName: clickhouse.passwordSecret.name } },
    ...webhookVolumes(installation),
  ];
}

/** The place of its databases, if they are to outlive a pod. */
export function controlPlaneVolume(
  installation: Installation,
): Rendered<V1PersistentVolumeClaim>[] {
  const { persistent, volumeSize, storageClass } = installation.controlPlane;
  if (!persistent) return [];
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: namespaced(installation, 'function', claimName, controlPlane),
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: volumeSize } },
        ...(storageClass !== undefined && { storageClassName: storageClass }),
      },
    },
  ];
}

/** The address of the control plane within the cluster. */
export function controlPlaneService(installation: Installation): Rendered<V1Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: namespaced(installation, 'function', controlPlane, controlPlane),
    spec: {
      selector: selectorOf(installation, controlPlane),
      ports: [{ name: 'http', port: controlPlanePort, targetPort: 'http' }],
    },
  };
}
