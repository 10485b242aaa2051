import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CloverError } from '../functions/lib/errors.ts';

const powerOfTwo = z
  .int()
  .min(4096)
  .max(2 ** 30)
  .refine((value) => Number.isInteger(Math.log2(value)), 'must be a power of two');

/** Schema of the agent's configuration file. */
export const agentConfig = z.strictObject({
  node: z.strictObject({
    uid: z.string().regex(/^[A-Za-z0-9][-A-Za-z0-9_.]*$/, 'must be letters, digits and "-_."'),
    name: z.string().min(1),
  }),
  /** The pod directory; see `pod-directory.ts`. */
  podsFile: z.string().min(1),
  controlPlane: z.strictObject({
    url: z.url({ protocol: /^http$/, error: 'must be an http:// URL' }),
    token: z.string().regex(/^[\x21-\x7e]+$/, 'must be visible ASCII'),
  }),
  /** Where health and the ledger are served. Port 0 takes a free one and logs it. */
  listen: z.strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: z.int().min(0).max(65_535),
  }),
  spool: z.strictObject({
    dir: z.string().min(1),
    /** Bytes of undelivered spans on disk; the oldest go first above it. */
    limitBytes: z
      .int()
      .min(64 * 1024)
      .default(256 * 1024 * 1024),
  }),
  capture: z
    .strictObject({
      ringBytes: powerOfTwo.optional(),
      openTimeoutMs: z.int().min(1).optional(),
    })
    .default({}),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** The agent's configuration, checked and with its defaults. */
export type AgentConfig = z.output<typeof agentConfig>;

/**
 * Checks a configuration.
 *
 * @throws CloverError CLV_CONFIG_INVALID; its message and details name each bad key.
 */
export function parseAgentConfig(text: string): AgentConfig {
  const result = agentConfig.safeParse(parseJson(text));
  if (result.success) return Object.freeze(result.data);
  const details = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: fieldOf([...issue.path, key]), message: 'unknown key' }))
      : [{ field: fieldOf(issue.path), message: issue.message }],
  );
  const problems = details.map((detail) => `${detail.field}: ${detail.message}`).join('; ');
  throw new CloverError('CLV_CONFIG_INVALID', `agent configuration: ${problems}`, { details });
}

/**
 * Reads and checks the configuration file.
 *
 * @throws CloverError CLV_CONFIG_INVALID; also when the file cannot be read.
 */
export function readAgentConfig(path: string): AgentConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `cannot read the configuration ${path}`, { cause });
  }
  return parseAgentConfig(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `agent configuration: not JSON: ${String(cause)}`, {
      cause,
    });
  }
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.') || '(root)';
}
