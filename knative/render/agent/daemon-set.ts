import type { V1DaemonSet } from '@kubernetes/client-node';
import { selectorOf } from '../control-plane/deployment.ts';
import { tokenSecretOf } from '../control-plane/names.ts';
import { configurationHash } from '../configuration-hash.ts';
import { imageOf } from '../image.ts';
import type { Installation } from '../installation.ts';
import { commonLabels, namespaced, type Rendered } from '../kubernetes-object.ts';
import { agent, agentPort, configFile, mounts } from './names.ts';
import type { ConfigMap } from '../control-plane/configuration.ts';

/** It sends what it has before it ends. */
const graceSeconds = 30;

/**
 * What it takes to load programs into the kernel (BPF, PERFMON), to attach them to interfaces (NET_ADMIN), and to look at the network
 * namespaces of other processes (SYS_PTRACE).
 */
const capabilities = ['BPF', 'NET_ADMIN', 'PERFMON', 'SYS_PTRACE'];

/** The agents: one on each node. */
export function agentDaemonSet(
  installation: Installation,
  { data }: ConfigMap,
): Rendered<V1DaemonSet> {
  const { tolerations, nodeSelector, priorityClass } = installation.agent;
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: namespaced(installation, 'agent', agent, agent),
    spec: {
      selector: { matchLabels: selectorOf(installation, agent) },
      // One at a time: each node is without its agent for some seconds, and no request is counted by two of them.
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      template: {
        metadata: {
          labels: commonLabels(installation, 'agent', agent),
          // It reads its configuration at its start.
          annotations: configurationHash(data),
        },
        spec: {
          serviceAccountName: agent,
          enableServiceLinks: false,
          // It finds the pods' network namespaces by the processes in them.
          hostPID: true,
          terminationGracePeriodSeconds: graceSeconds,
          tolerations: [...tolerations],
          ...(Object.keys(nodeSelector).length > 0 && { nodeSelector: { ...nodeSelector } }),
          ...(priorityClass !== undefined && { priorityClassName: priorityClass }),
          containers: [container(installation)],
          volumes: volumes(installation),
        },
      },
    },
  };
}

function container(installation: Installation) {
  const { requests, limits } = installation.agent.resources;
  const port = 'http';
  return {
    name: agent,
    image: imageOf(installation, agent),
    args: ['--config', `${mounts.config}/${configFile}`],
    env: [
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    ],
    ports: [{ name: port, containerPort: agentPort }],
    readinessProbe: { httpGet: { path: '/health/ready', port }, periodSeconds: 2 },
    livenessProbe: { httpGet: { path: '/health/live', port }, periodSeconds: 10 },
    resources: {
      ...(requests !== undefined && { requests: { ...requests } }),
      ...(limits !== undefined && { limits: { ...limits } }),
    },
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      readOnlyRootFilesystem: true,
      // Without it a process keeps no capability over its start.
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'], add: [...capabilities] },
      seccompProfile: { type: 'Unconfined' },
    },
    volumeMounts: [
      { name: 'config', mountPath: mounts.config, readOnly: true },
      { name: 'spool', mountPath: mounts.spool },
      ...(installation.knative ? [] : [{ name: 'token', mountPath: mounts.token, readOnly: true }]),
    ],
  };
}

function volumes(installation: Installation) {
  const { spoolFolder } = installation.agent;
  const token = { secretName: tokenSecretOf(installation).name };
  return [
    { name: 'config', configMap: { name: agent } },
    { name: 'spool', hostPath: { path: spoolFolder, type: 'DirectoryOrCreate' } },
    ...(installation.knative ? [] : [{ name: 'token', secret: token }]),
  ];
}
