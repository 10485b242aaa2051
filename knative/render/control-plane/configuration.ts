import type { Installation } from '../installation.ts';
import { namespaced, type KubernetesObject } from '../kubernetes-object.ts';
import { notificationsConfiguration } from '../notifications.ts';
import type { Tokens } from '../tokens.ts';
import { controlPlane, controlPlanePort } from './names.ts';
import { agentTokenSecretOf, tokenSecretOf, type SecretKey } from './token-secrets.ts';

/** Plain settings by their keys. */
export interface ConfigMap extends KubernetesObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly data: Readonly<Record<string, string>>;
}

/** Texts that are nobody else's business, by their keys. */
export interface Secret extends KubernetesObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  /** In base64: the server would change `stringData`, and no apply of the same would be one of nothing. */
  readonly data: Readonly<Record<string, string>>;
}

/** Where the container finds what is mounted. */
export const mounts = {
  data: '/data',
  config: '/etc/clover/config',
  token: '/etc/clover/token',
  agents: '/etc/clover/agents',
  clickhouse: '/etc/clover/clickhouse',
} as const;

/** The key of the configuration, and so its file. */
export const configFile = 'host.json';

/** The configuration of the process, which `functions/host/config.ts` reads; secrets stand in files of their own. */
export function controlPlaneConfiguration(installation: Installation): ConfigMap {
  const { clickhouse, clusterDomain, logLevel, telemetry } = installation;
  const { url, username, database, passwordSecret } = clickhouse;
  const config = {
    // A volume of its own may have a folder lost+found.
    dataDir: `${mounts.data}/clover`,
    listen: { host: '0.0.0.0', port: controlPlanePort },
    token: { file: `${mounts.token}/${tokenSecretOf(installation).key}` },
    agentToken: { file: `${mounts.agents}/${agentTokenSecretOf(installation).key}` },
    clickhouse: {
      url,
      username,
      password: { file: `${mounts.clickhouse}/${passwordSecret.key}` },
      database,
    },
    resources: { kubernetes: {} },
    ...(installation.controlPlane.istio && { istio: { clusterDomain } }),
    ...(telemetry && { telemetry }),
    ...(installation.notifications.length > 0 && {
      notifications: notificationsConfiguration(installation),
    }),
    logLevel,
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: namespaced(installation, 'function', controlPlane, controlPlane),
    data: { [configFile]: `${JSON.stringify(config, undefined, 2)}\n` },
  };
}

/** The tokens, but those for which the installation names a Secret. */
export function tokenObjects(installation: Installation, tokens?: Tokens): Secret[] {
  const { agent, controlPlane: callers } = installation;
  const secret = ({ name, key }: SecretKey, token: string | undefined): Secret => {
    if (token === undefined) throw new TypeError('the control plane has no token');
    const metadata = namespaced(installation, 'access', name, controlPlane);
    const data = { [key]: Buffer.from(token).toString('base64') };
    return { apiVersion: 'v1', kind: 'Secret', metadata, data };
  };
  return [
    ...(callers.tokenSecret === undefined
      ? [secret(tokenSecretOf(installation), tokens?.callers)]
      : []),
    ...(agent.tokenSecret === undefined
      ? [secret(agentTokenSecretOf(installation), tokens?.agents)]
      : []),
  ];
}
