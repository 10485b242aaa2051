import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ApiClient } from '../functions/api/client.ts';
import { CloverError } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';
import { writeJson } from './supervisor/stack-files.ts';

/** Options of every command. */
export interface GlobalOptions {
  readonly server?: string;
  readonly token?: string;
  readonly json?: boolean;
}

const context = z.strictObject({ url: z.url({ protocol: /^https?$/ }), token: z.string() });

/** Where a control plane is, and the token for it. */
export type Context = z.output<typeof context>;

function contextPath({ home }: Pick<CliEnv, 'home'>): string {
  return join(home, 'context.json');
}

/**
 * Makes a control plane the one that every other command finds.
 * @returns Takes that back, unless another one has taken its place.
 */
export function publishContext(env: Pick<CliEnv, 'home'>, own: Context): () => void {
  const path = contextPath(env);
  const read = (): string | undefined =>
    existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  const before = read();
  writeJson(path, own);
  const published = read();
  return () => {
    if (read() !== published) return;
    if (before === undefined) rmSync(path, { force: true });
    else writeFileSync(path, before, { mode: 0o600 });
  };
}

/**
 * A client by --server and --token, else CLOVER_SERVER and CLOVER_TOKEN, else the context file.
 * @throws CloverError CLV_CONTROL_PLANE_UNREACHABLE when none of them names a server.
 */
export async function connect(options: GlobalOptions, env: CliEnv): Promise<ApiClient> {
  const { createApiClient } = await import('../functions/api/client.ts');
  const { url, token } = await findContext(options, env);
  return createApiClient({ url, token, clock: env.clock, signal: env.signal });
}

async function findContext(options: GlobalOptions, env: CliEnv): Promise<Context> {
  const url = options.server ?? env.variables['CLOVER_SERVER'];
  const token = options.token ?? env.variables['CLOVER_TOKEN'];
  if (url !== undefined) {
    const parsed = context.safeParse({ url, token: token ?? '' });
    if (parsed.success) return parsed.data;
    const message = `found the server "${url}"; must be an address such as http://127.0.0.1:7700`;
    throw new CloverError('CLV_ARGUMENT_INVALID', message);
  }
  const stored = await readContext(contextPath(env));
  return { url: stored.url, token: token ?? stored.token };
}

async function readContext(path: string): Promise<Context> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const message = `no control plane is known: start one with "cloverctl up", or name one with --server or CLOVER_SERVER (${path} is not there)`;
    throw new CloverError('CLV_CONTROL_PLANE_UNREACHABLE', message, { cause });
  }
  try {
    return context.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${path} is damaged; it must hold {"url", "token"}: remove it and run "cloverctl up"`;
    throw new CloverError('CLV_CONFIG_INVALID', message, { cause });
  }
}
