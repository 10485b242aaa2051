import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { notificationReasons } from '../../knative/events.ts';
import { CloverError } from '../lib/errors.ts';
import { secretText } from './secret-text.ts';
import { telemetryConfig } from './telemetry/telemetry-config.ts';
import { fieldPath } from '../lib/field-path.ts';

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }),
  /** Signs what is sent, by the Standard Webhooks convention. */
  secret: z
    .string()
    .regex(
      /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/,
      'must be "whsec_" and 24 to 64 random bytes in base64',
    )
    .optional(),
  /** Only notifications of these reasons. Default: all. */
  types: z.array(z.enum(notificationReasons)).min(1).optional(),
});

const notifications = z
  .array(webhook)
  .max(16)
  .refine((all) => new Set(all.map(({ url }) => url)).size === all.length, 'a URL stands twice');

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
      url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }),
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
  return Object.freeze(parse(hostConfig, text, 'host configuration'));
}

/**
 * Checks the key `notifications` of a configuration, on its own.
 * @throws CloverError CLV_CONFIG_INVALID; message and details name each bad key.
 */
export function parseNotifications(text: string): HostConfig['notifications'] {
  return parse(notifications, text, 'notifications');
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  what: string,
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `${what}: this is not JSON`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // Not the words of `fieldErrors`: they show what was found, and here that may be a secret.
  const details = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          field: fieldPath([...issue.path, key]),
          message: 'unknown key',
        }))
      : [{ field: fieldPath(issue.path), message: issue.message }],
  );
  const problems = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new CloverError('CLV_CONFIG_INVALID', `${what}: ${problems}`, { details });
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
