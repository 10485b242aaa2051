import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CloverError } from '../lib/errors.ts';
import { fieldPath } from '../resources/field-errors.ts';

const hostConfig = z.strictObject({
  /** Folder of the databases and of host.json. */
  dataDir: z.string().min(1),
  /** Where the host listens. Port 0 takes a free one; host.json says which. */
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(0),
    })
    .default({ host: '127.0.0.1', port: 0 }),
  /** Bearer token of every caller. */
  token: z.string().regex(/^[\x21-\x7e]{16,}$/, 'must be at least 16 visible ASCII characters'),
  clickhouse: z.strictObject({
    url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }),
    username: z.string().min(1),
    password: z.string(),
    database: z.string().regex(/^\w{1,64}$/, 'must be letters, digits and "_"'),
  }),
  /** Envoy with file xDS; without it policies are kept and not rendered. */
  gateway: z
    .strictObject({
      xdsDir: z.string().min(1),
      adminSocket: z.string().min(1),
      /** Program file of Envoy, to say why it refused something. */
      envoy: z.string().min(1).optional(),
    })
    .optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** The control plane's configuration, checked and with its defaults. */
export type HostConfig = z.output<typeof hostConfig>;

/**
 * Checks a configuration.
 * @throws CloverError CLV_CONFIG_INVALID; message and details name each bad key.
 */
export function parseHostConfig(text: string): HostConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', 'the configuration is not JSON', { cause });
  }
  const result = hostConfig.safeParse(value);
  if (result.success) return Object.freeze(result.data);
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
  throw new CloverError('CLV_CONFIG_INVALID', `host configuration: ${problems}`, { details });
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
