import type { ApiClient } from '../functions/api/client.ts';
import { checkedToken } from '../functions/api/token.ts';
import { CloverError } from '../functions/lib/errors.ts';
import type { CliEnv } from './env.ts';

/** Options of every command. */
export interface GlobalOptions {
  readonly server?: string;
  readonly token?: string;
  readonly context?: string;
  readonly json?: boolean;
  /** Milliseconds; 0 is no limit. */
  readonly requestTimeout?: number;
}

/** How the control plane is found, for the end of the help. */
export const connectHelp = `
The control plane is the first of these:
  --server URL or --context NAME, CLOVER_SERVER, CLOVER_CONTEXT, the current context
  (what "config use-context" chose, else what "up" or "demo --keep" runs here)
The token is --token TOKEN, else of an address CLOVER_TOKEN, of a context its own`;

/** Whether options, environment or contexts name a control plane. */
export async function namesControlPlane(
  { server, context }: GlobalOptions,
  env: CliEnv,
): Promise<boolean> {
  if (server !== undefined || (env.variables['CLOVER_SERVER'] ?? '') !== '') return true;
  const { chosenName, knownContexts } = await import('./contexts/known.ts');
  return chosenName(context, env, await knownContexts(env)) !== undefined;
}

interface ControlPlane {
  readonly url: string;
  readonly host?: string | undefined;
  readonly token: string;
  /** How to give the right token. */
  readonly tokenHelp: string;
}

/**
 * A client of the control plane that options, environment or contexts name: {@link connectHelp} has the order.
 * @throws CloverError CLV_CONTROL_PLANE_UNREACHABLE when none of them names one; CLV_ARGUMENT_INVALID for an address, a
 *   token or a context that is none, or for both of them; CLV_CONFIG_INVALID.
 */
export async function connect(options: GlobalOptions, env: CliEnv): Promise<ApiClient> {
  const { createApiClient } = await import('../functions/api/client.ts');
  const { host, ...found } = await findControlPlane(options, env);
  const { clock, signal } = env;
  const how = { ...found, clock, signal, timeoutMs: options.requestTimeout };
  if (host === undefined) return createApiClient(how);
  const { fetchAs } = await import('../functions/api/fetch-as.ts');
  return createApiClient({ ...how, fetch: fetchAs(host) });
}

async function findControlPlane(
  { server, token, context: asked }: GlobalOptions,
  env: CliEnv,
): Promise<ControlPlane> {
  if (server !== undefined && asked !== undefined) {
    throw new CloverError('CLV_ARGUMENT_INVALID', '--server and --context: give one of them');
  }
  // An empty variable is none, as usual in shells.
  const variable = asked === undefined ? env.variables['CLOVER_SERVER'] || undefined : undefined;
  const url = server ?? variable;
  if (url !== undefined) {
    const { checkedServerUrl } = await import('./contexts/server-url.ts');
    return {
      url: checkedServerUrl(url, server === undefined ? 'CLOVER_SERVER' : '--server'),
      token:
        token === undefined
          ? checkedToken(env.variables['CLOVER_TOKEN'] ?? '', 'CLOVER_TOKEN')
          : checkedToken(token, '--token'),
      tokenHelp: 'give that of the control plane with --token or CLOVER_TOKEN, or choose a context',
    };
  }
  const { chosenName, contextNamed, knownContexts, tokenOf } = await import('./contexts/known.ts');
  const known = await knownContexts(env);
  const name = chosenName(asked, env, known);
  if (name === undefined) throw nowhere(known.contexts.map((context) => context.name));
  const context = contextNamed(name, known);
  // CLOVER_TOKEN is for CLOVER_SERVER: no other control plane is to see it.
  return {
    url: context.url,
    host: context.host,
    token: token === undefined ? await tokenOf(context, env) : checkedToken(token, '--token'),
    tokenHelp: `give that of the control plane with --token, or to the context "${name}" with "cloverctl config set-context"; CLOVER_TOKEN is for CLOVER_SERVER and --server alone`,
  };
}

function nowhere(names: readonly string[]): CloverError {
  const choose =
    names.length === 0
      ? 'name one with --server or CLOVER_SERVER, or add it with "cloverctl config set-context"'
      : `choose a context with "cloverctl config use-context" or --context (${names.join(', ')})`;
  const message = `no control plane is known: start one with "cloverctl up", or ${choose}`;
  return new CloverError('CLV_CONTROL_PLANE_UNREACHABLE', message);
}
