import type { ConfigMap } from '../control-plane/configuration.ts';
import { serviceHost } from '../service-host.ts';
import { controlPlaneUrl } from '../control-plane/names.ts';
import { agentTokenSecretOf } from '../control-plane/token-secrets.ts';
import type { Installation } from '../installation.ts';
import { namespaced } from '../kubernetes-object.ts';
import { bytesOf } from '../quantity.ts';
import { sinksConfiguration } from './sinks.ts';
import { agent, agentPort, configFile, ingestTokenFile, mounts } from './names.ts';

/** The configuration of every agent, which `agent/config.ts` reads; what differs from node to node is in its environment. */
export function agentConfiguration(installation: Installation): ConfigMap {
  const { logLevel } = installation;
  const { metricsPort } = installation.agent;
  const config = {
    kubernetes: { metricsPort },
    untapped: installation.agent.untapped,
    ...(installation.knative
      ? {
          ingest: {
            url: `http://${serviceHost(installation, 'ingest')}`,
            tokenFile: `${mounts.token}/${ingestTokenFile}`,
          },
        }
      : {
          controlPlane: {
            url: controlPlaneUrl(installation),
            tokenFile: `${mounts.token}/${agentTokenSecretOf(installation).key}`,
          },
        }),
    listen: { host: '127.0.0.1', port: agentPort },
    spool: { dir: mounts.spool, limitBytes: bytesOf(installation.agent.spoolSize) },
    sinks: sinksConfiguration(installation.agent.sinks),
    logLevel,
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: namespaced(installation, 'agent', agent, agent),
    data: { [configFile]: `${JSON.stringify(config, undefined, 2)}\n` },
  };
}
