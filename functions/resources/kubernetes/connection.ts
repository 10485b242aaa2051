import { readFileSync } from 'node:fs';
import type { Agent as AnyAgent } from 'node:http';
import { Agent, type RequestOptions } from 'node:https';
import { CloverError } from '../../lib/errors.ts';

/** Options of one request of a connection. */
export interface ConnectionOptions extends Omit<RequestOptions, 'agent' | 'headers'> {
  /** The same for all requests: it keeps the connections. */
  readonly agent: AnyAgent;
  readonly headers: Readonly<Record<string, string>>;
}

/** How a Kubernetes API server is reached. */
export interface KubeConnection {
  /** `https://host:port`, maybe with a path. */
  readonly server: URL;
  /** What goes with the next request: authorities, credentials, the connections that are kept. */
  options(): Promise<ConnectionOptions>;
}

/** Where a pod finds its service account. */
export const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
/**
 * The namespace of the pod that the process is in, as its service account's folder has it.
 * @throws CloverError CLV_CONFIG_INVALID outside a pod.
 */
export function namespaceIn(folder: string): string {
  return read(`${folder}/namespace`).trim();
}

/** The kubelet renews the token's file well before the token ends (client-go reads it again each minute, too). */
const tokenMs = 60_000;

/** Options of {@link inClusterConnection}. */
export interface InClusterOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonicMs: () => number;
}

/**
 * The API server as a pod reaches it, by its service account. Not by a client library: that costs a function that starts from
 * zero 90 MiB and most of a second.
 * @throws CloverError CLV_CONFIG_INVALID outside a pod.
 */
export function inClusterConnection(options: InClusterOptions): KubeConnection {
  const { env = process.env, folder = accountFolder, monotonicMs } = options;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === undefined || host === '') {
    throw new CloverError(
      'CLV_CONFIG_INVALID',
      'KUBERNETES_SERVICE_HOST is not set: this is no pod; give a kubeconfig',
    );
  }
  const agent = new Agent({ keepAlive: true, ca: read(`${folder}/ca.crt`) });
  let token = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    options: async () => {
      if (monotonicMs() - readAt > tokenMs) {
        token = read(`${folder}/token`).trim();
        readAt = monotonicMs();
      }
      return { agent, headers: { authorization: `Bearer ${token}` } };
    },
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `cannot read ${path}: the pod has no service account's token (automountServiceAccountToken)`;
    throw new CloverError('CLV_CONFIG_INVALID', message, { cause });
  }
}
