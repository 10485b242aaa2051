import { Agent as AnyAgent } from 'node:http';
import { Agent, type RequestOptions } from 'node:https';
import type { Cluster, KubeConfig } from '@kubernetes/client-node';
import { CloverError } from '../../lib/errors.ts';
import type { KubeConnection } from './connection.ts';

/**
 * A kubeconfig, as Kubernetes' own client has it.
 * @param path default: `KUBECONFIG`, else `~/.kube/config`.
 * @param context default: the current one.
 * @throws CloverError CLV_CONFIG_INVALID when there is none, or no such context.
 */
export async function loadKubeconfig(path?: string, context?: string): Promise<KubeConfig> {
  // Half a second and 90 MiB: only who needs it loads it.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CloverError('CLV_CONFIG_INVALID', `the kubeconfig cannot be read: ${why}`, { cause });
  }
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context)) {
      const message = `the kubeconfig has no context "${context}": it has ${names.join(', ') || 'none'}`;
      throw new CloverError('CLV_CONFIG_INVALID', message);
    }
    config.setCurrentContext(context);
  }
  return config;
}

/**
 * The API server of a context of a kubeconfig, with every way to log in that Kubernetes' own client knows.
 * @param path and `context` as {@link loadKubeconfig} has them.
 * @throws CloverError CLV_CONFIG_INVALID.
 */
export async function kubeconfigConnection(
  path?: string,
  context?: string,
): Promise<KubeConnection> {
  const config = await loadKubeconfig(path, context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const message = 'the kubeconfig has no current context: kubectl config use-context NAME';
    throw new CloverError('CLV_CONFIG_INVALID', message);
  }
  if (path === undefined && isClientDefault(cluster)) {
    const message =
      'there is no kubeconfig: KUBECONFIG has to name one, or ~/.kube/config to be there';
    throw new CloverError('CLV_CONFIG_INVALID', message);
  }
  const server = new URL(cluster.server);
  // Such as `kubectl proxy`. As with kubectl no credentials go there: whoever listens would have them.
  if (server.protocol === 'http:') {
    const agent = new AnyAgent({ keepAlive: true });
    return { server, options: async () => ({ headers: {}, agent }) };
  }
  let own: Agent | undefined;
  return {
    server,
    options: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const { agent: given, headers, ...rest } = options;
      // One of ours takes what each call says of certificates; the way through a proxy (`proxy-url`) is known to the given one.
      const isProxied = cluster.proxyUrl !== undefined && given instanceof AnyAgent;
      const agent = isProxied ? given : (own ??= new Agent({ keepAlive: true }));
      return { ...rest, headers: textsOf(headers), agent };
    },
  };
}

/** Whether it is what the client takes where it finds no kubeconfig and is in no pod. */
const isClientDefault = ({ name, server }: Cluster): boolean =>
  name === 'cluster' && server === 'http://localhost:8080';

/** A token, and the context that it is of. */
export interface KubeconfigToken {
  readonly context: string;
  readonly token: string;
}

/**
 * The token that a context of the kubeconfig logs in with, of a file or of a plugin too.
 * @param context default: the current one.
 * @throws CloverError CLV_CONFIG_INVALID when there is no such context, or it logs in by something else.
 */
export async function kubeconfigToken(context?: string): Promise<KubeconfigToken> {
  const config = await loadKubeconfig(undefined, context);
  const name = config.getCurrentContext();
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the context "${name}" of the kubeconfig gives no token: ${why}`;
    throw new CloverError('CLV_CONFIG_INVALID', message, { cause });
  }
  const [, token] = /^Bearer (.+)$/.exec(textsOf(options.headers)['Authorization'] ?? '') ?? [];
  if (token !== undefined) return { context: name, token };
  const message = `the context "${name}" of the kubeconfig logs in without a token: "kubectl create token ACCOUNT" makes one, for --token-file`;
  throw new CloverError('CLV_CONFIG_INVALID', message);
}

function textsOf(headers: RequestOptions['headers']): Readonly<Record<string, string>> {
  const entries = Object.entries(headers ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
