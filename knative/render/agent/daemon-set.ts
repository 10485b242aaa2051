import type { V1DaemonSet } from '@kubernetes/client-node';
import { agentTokenSecretOf } from '../control-plane/token-secrets.ts';
import { projectedToken } from '../audience.ts';
import { configurationHash } from '../configuration-hash.ts';
import { imageOf } from '../image.ts';
import type { Installation } from '../installation.ts';
import { commonLabels, namespaced, selectorOf, type Rendered } from '../kubernetes-object.ts';
import { amountsOf, probesOf, schedulingOf } from '../pod-parts.ts';
import { agent, agentPort, configFile, ingestTokenFile, mounts } from './names.ts';
import { sinkSecrets } from './sinks.ts';
import type { ConfigMap } from '../control-plane/configuration.ts';

/** It waits for its successor, for the requests that are its own, and sends what it has before it ends. */
const graceSeconds = 45;

/** Both agents of a node answer probes at the same port: the old one may say that the new one is ready. */
const handoverSeconds = 10;

/** It reads through its spool, and loads its programs. */
const startSeconds = 60;

/** What it takes to load programs into the kernel, and to attach them to pods: docs/agent-on-kubernetes.md. */
const capabilities = ['BPF', 'NET_ADMIN', 'PERFMON'];

/**
 * Where nodes have SELinux, the type of other containers may use no bpf, and write into no folder of the node; elsewhere runtimes pass
 * over it. https://github.com/containers/container-selinux/pull/138
 */
const seLinuxOptions = { type: 'spc_t', level: 's0' };

/** What it takes to find a process' TLS library, and to open it. */
const tlsCapabilities = ['SYS_PTRACE'];

/** The agents: one on each node. */
export function agentDaemonSet(
  installation: Installation,
  { data }: ConfigMap,
): Rendered<V1DaemonSet> {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: namespaced(installation, 'agent', agent, agent),
    spec: {
      selector: { matchLabels: selectorOf(installation, agent) },
      // The new agent of a node takes over from the old one, and only then is that one asked to end.
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      minReadySeconds: handoverSeconds,
      template: {
        metadata: {
          labels: commonLabels(installation, 'agent', agent),
          // It reads its configuration at its start, and its token again each minute.
          annotations: configurationHash(data),
        },
        spec: {
          serviceAccountName: agent,
          enableServiceLinks: false,
          // It finds the pods' interfaces by the processes in them, and their other ends in the node's own network.
          hostPID: true,
          hostNetwork: true,
          dnsPolicy: 'ClusterFirstWithHostNet',
          terminationGracePeriodSeconds: graceSeconds,
          // It bears all taints, those of nodes with Windows, too.
          nodeSelector: { 'kubernetes.io/os': 'linux', ...installation.agent.nodeSelector },
          ...schedulingOf(installation.agent),
          containers: [container(installation)],
          volumes: volumes(installation),
        },
      },
    },
  };
}

function container(installation: Installation) {
  // No `ports`: on the node's network one that is declared keeps the next agent off the node until this one is gone.
  const probe = { host: '127.0.0.1', port: agentPort };
  return {
    name: agent,
    image: imageOf(installation, agent),
    args: ['--config', `${mounts.config}/${configFile}`],
    env: [
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    ...probesOf(probe, startSeconds),
    resources: amountsOf(installation.agent.resources),
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'], add: capabilitiesOf(installation) },
      seccompProfile: { type: 'RuntimeDefault' },
      seLinuxOptions,
    },
    volumeMounts: [
      { name: 'config', mountPath: mounts.config, readOnly: true },
      { name: 'spool', mountPath: mounts.spool },
      { name: 'cgroup', mountPath: mounts.cgroup, readOnly: true },
      { name: 'token', mountPath: mounts.token, readOnly: true },
      ...(sinkSecrets(installation.agent.sinks).length === 0
        ? []
        : [{ name: 'sinks', mountPath: mounts.sinks, readOnly: true }]),
    ],
  };
}

/** What says who it is: to ingest on Knative its account, to the control plane in one process a secret of all agents. */
function tokenSource(installation: Installation) {
  if (!installation.knative) {
    return { secret: { secretName: agentTokenSecretOf(installation).name } };
  }
  const token = projectedToken(installation.namespace, 'ingest', ingestTokenFile);
  return { projected: { sources: [token] } };
}

function capabilitiesOf({ agent: { tls } }: Installation): string[] {
  return tls ? [...capabilities, ...tlsCapabilities] : [...capabilities];
}

function volumes(installation: Installation) {
  const { spoolFolder } = installation.agent;
  const sources = sinkSecrets(installation.agent.sinks);
  return [
    { name: 'config', configMap: { name: agent } },
    { name: 'spool', hostPath: { path: spoolFolder, type: 'DirectoryOrCreate' } },
    // Programs are attached to folders of it; a container of its own has its own alone.
    { name: 'cgroup', hostPath: { path: '/sys/fs/cgroup', type: 'Directory' } },
    { name: 'token', ...tokenSource(installation) },
    ...(sources.length === 0 ? [] : [{ name: 'sinks', projected: { sources } }]),
  ];
}
