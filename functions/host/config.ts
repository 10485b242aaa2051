import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { clickHouseUrl } from '../../knative/clickhouse-url.ts';
import { CloverError } from '../lib/errors.ts';
import { parseConfig } from './parse-config.ts';
import { secretText } from './secret-text.ts';
import { telemetryConfig } from './telemetry/telemetry-config.ts';
import { notifications } from './notifications-config.ts';

const origin = z
  .url({ protocol: /^https?$/, error: 'must be an origin such as https://ui.example:8443' })
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, {
    error: 'must be an origin alone, such as https://ui.example:8443: no path, no default port',
  });

const bearer = secretText(
  z.string().regex(/^[\x21-\x7e]{16,}$/, 'must be at least 16 visible ASCII characters'),
);

const hostConfig = z
  .strictObject({
    /** Folder of the databases and of host.json. */
    dataDir: z.string().min(1),
    /** Where the host listens. Port 0 takes a free one; host.json says which. */
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: z.int().min(0).max(65_535).default(0),
      })
      .default({ host: '127.0.0.1', port: 0 }),
    /** Bearer token of every caller; this, or the file that it is in: {"file": PATH}. */
    token: bearer,
    /** Bearer token of agents, with which they send spans and evidence and nothing else is done. Default: they have `token`. */
    agentToken: bearer.exactOptional(),
    /** Bearer token of who scrapes, with which `/metrics` is read and nothing else is done. */
    metricsToken: bearer.exactOptional(),
    /** Browsers of these origins may call, as for a UI that is served elsewhere; none: CORS is off. */
    cors: z.strictObject({ origins: z.array(origin).max(32).default([]) }).default({ origins: [] }),
    clickhouse: z.strictObject({
      url: clickHouseUrl('username, password and database'),
      username: z.string().min(1),
      /** This, or the file that it is in: {"file": PATH}. */
      password: secretText(z.string()),
      database: z.string().regex(/^\w{1,64}$/, 'must be letters, digits and "_"'),
    }),
    /** Where objects are kept. Default: in a database in the folder. */
    resources: z
      .strictObject({
        /** In a cluster: by the account of the pod, or by a kubeconfig. */
        kubernetes: z.strictObject({ kubeconfig: z.string().min(1).optional() }),
      })
      .optional(),
    /** Envoy with file xDS; without it policies are kept and not rendered. */
    gateway: z
      .strictObject({
        xdsDir: z.string().min(1),
        adminSocket: z.string().min(1),
        /** Program file of Envoy, to say why it refused something. */
        envoy: z.string().min(1).optional(),
      })
      .optional(),
    /** Istio of the cluster that keeps the objects, in place of a gateway. */
    istio: z
      .strictObject({
        /** The end of full names of Services. Default: cluster.local. */
        clusterDomain: z.string().min(1).exactOptional(),
      })
      .optional(),
    /** Webhooks that are told what happens to experiments and policies. */
    notifications: notifications.default([]),
    /** Metrics of Clover itself, and where its traces and metrics are sent. */
    telemetry: telemetryConfig.prefault({}),
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info'),
  })
  .refine(({ token, agentToken }) => agentToken !== token, {
    path: ['agentToken'],
    message: 'is the token of every caller: agents get one of their own',
  })
  .refine(
    ({ token, agentToken, metricsToken }) =>
      metricsToken === undefined || (metricsToken !== token && metricsToken !== agentToken),
    {
      path: ['metricsToken'],
      message: 'is the token of others: who scrapes gets one of their own',
    },
  )
  .refine(({ istio, resources }) => istio === undefined || resources !== undefined, {
    path: ['istio'],
    message: 'is of the cluster that resources.kubernetes names, and that is missing',
  })
  .refine(({ istio, gateway }) => istio === undefined || gateway === undefined, {
    path: ['istio'],
    message: 'and gateway exclude each other',
  });

/** The control plane's configuration, checked and with its defaults. */
export type HostConfig = z.output<typeof hostConfig>;

/**
 * Checks a configuration.
 * @throws CloverError CLV_CONFIG_INVALID; message and details name each bad key.
 */
export function parseHostConfig(text: string): HostConfig {
  return Object.freeze(parseConfig(hostConfig, text, 'host configuration'));
}

/**
 * Reads a configuration file.
 * @throws CloverError CLV_CONFIG_INVALID.
 */
export function readHostConfig(path: string): HostConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `cannot read ${path}`, { cause });
  }
  return parseHostConfig(text);
}
