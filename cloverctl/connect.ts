import type { ApiClient } from '../functions/api/client.ts';
import { CloverError } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';

/** Options of every command. */
export interface GlobalOptions {
  readonly server?: string;
  readonly token?: string;
  readonly context?: string;
  readonly json?: boolean;
}

/** How the control plane is found, for the end of the help. */
export const connectHelp = `
The control plane is the first of these:
  --server URL, CLOVER_SERVER, --context NAME, CLOVER_CONTEXT, the current context
  (what "config use-context" chose, else what "up" or "demo --keep" runs here)
The token is the first of these:
  --token TOKEN, CLOVER_TOKEN, the token of the context`;

interface ControlPlane {
  readonly url: string;
  readonly token: string;
}

/**
 * A client of the control plane that options, environment or contexts name: {@link connectHelp} has the order.
 * @throws CloverError CLV_CONTROL_PLANE_UNREACHABLE when none of them names one; CLV_ARGUMENT_INVALID for an address or
 *   a context that is none; CLV_CONFIG_INVALID.
 */
export async function connect(options: GlobalOptions, env: CliEnv): Promise<ApiClient> {
  const { createApiClient } = await import('../functions/api/client.ts');
  const { url, token } = await findControlPlane(options, env);
  return createApiClient({ url, token, clock: env.clock, signal: env.signal });
}

async function findControlPlane(options: GlobalOptions, env: CliEnv): Promise<ControlPlane> {
  const token = options.token ?? env.variables['CLOVER_TOKEN'];
  // An empty variable is none, as usual in shells.
  const url = options.server ?? (env.variables['CLOVER_SERVER'] || undefined);
  if (url !== undefined) {
    if (options.context !== undefined) {
      const over = options.server === undefined ? 'CLOVER_SERVER' : '--server';
      env.stderr.write(`warning: ${over} stands over --context ${options.context}\n`);
    }
    return { url: await checkedUrl(url), token: token ?? '' };
  }
  const { chosenName, contextNamed, knownContexts, tokenOf } = await import('./contexts/known.ts');
  const known = await knownContexts(env);
  const name = chosenName(options.context, env, known);
  if (name === undefined) throw nowhere(known.contexts.map((context) => context.name));
  const context = contextNamed(name, known);
  return { url: context.url, token: token ?? tokenOf(context, env) };
}

async function checkedUrl(url: string): Promise<string> {
  const { serverUrl } = await import('./contexts/config.ts');
  const parsed = serverUrl.safeParse(url);
  if (parsed.success) return parsed.data;
  const message = `found the server "${url}"; must be an address such as http://127.0.0.1:7700`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

function nowhere(names: readonly string[]): CloverError {
  const choose =
    names.length === 0
      ? 'name one with --server or CLOVER_SERVER, or add it with "cloverctl config set-context"'
      : `choose a context with "cloverctl config use-context" or --context (${names.join(', ')})`;
  const message = `no control plane is known: start one with "cloverctl up", or ${choose}`;
  return new CloverError('CLV_CONTROL_PLANE_UNREACHABLE', message);
}
