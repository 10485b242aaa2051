import { hostname } from 'node:os';
import type { z } from 'zod';
import type { agentConfig } from '../../agent/config.ts';
import { telemetryConfig } from '../../functions/host/telemetry/telemetry-config.ts';
import type { HostConfig } from '../../functions/host/config.ts';

/** What the control plane's configuration depends on. */
export interface ControlPlaneFileOptions {
  readonly port: number;
  readonly token: string;
  readonly dataDir: string;
  readonly clickhouse: Omit<HostConfig['clickhouse'], 'database'>;
  readonly gateway: NonNullable<HostConfig['gateway']>;
  readonly notifications: HostConfig['notifications'];
  /** Origins of browsers that may call. */
  readonly corsOrigins: readonly string[];
}

/** The control plane's configuration file, as a value. */
export function controlPlaneFile(options: ControlPlaneFileOptions): HostConfig {
  return {
    dataDir: options.dataDir,
    listen: { host: '127.0.0.1', port: options.port },
    token: options.token,
    cors: { origins: [...options.corsOrigins] },
    clickhouse: { ...options.clickhouse, database: 'clover' },
    gateway: options.gateway,
    notifications: options.notifications,
    telemetry: telemetryConfig.parse({}),
    logLevel: 'info',
  };
}

/** What the agent's configuration depends on. */
export interface AgentFileOptions {
  readonly port: number;
  readonly podsFile: string;
  readonly controlPlane: { readonly url: string; readonly token: string };
  readonly spoolDir: string;
}

/** The agent's configuration file, as a value. */
export function agentFile(options: AgentFileOptions): z.input<typeof agentConfig> {
  const node = hostname().replaceAll(/[^-A-Za-z0-9_.]/g, '-') || 'localhost';
  return {
    node: { uid: node, name: node },
    podsFile: options.podsFile,
    controlPlane: { ...options.controlPlane },
    listen: { host: '127.0.0.1', port: options.port },
    spool: { dir: options.spoolDir },
  };
}
