import { request, type IncomingMessage } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CloverError } from '../../functions/lib/errors.ts';
import { loadKubeconfig } from '../../functions/resources/kubernetes/kubeconfig.ts';
import type { ClusterOptions } from './open-cluster.ts';

/** Where in a cluster a program listens: of its pod's network, also on loopback. */
export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/**
 * Asks a program in a pod by HTTP, with GET.
 * @returns the body of its answer.
 * @throws CloverError CLV_KUBERNETES_UNREACHABLE when there is none, or its status is not 200.
 */
export type AskPod = (
  where: PodPort,
  path: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<string>;

const withinMs = 10_000;

/**
 * Asks through the API server, as `kubectl port-forward` does: it takes the verb `create` on `pods/portforward`.
 * https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#-strong-proxy-operations-pod-v1-core-strong-
 */
export function podAsker({
  kubeconfig,
  kubeContext,
}: Pick<ClusterOptions, 'kubeContext' | 'kubeconfig'>): AskPod {
  return async (where, path, headers) => {
    const { PortForward } = await import('@kubernetes/client-node');
    const forward = new PortForward(await loadKubeconfig(kubeconfig, kubeContext));
    const [toPod, fromPod, problems] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const { namespace, pod, port } = where;
    try {
      const socket: unknown = await forward.portForward(
        namespace,
        pod,
        [port],
        fromPod,
        problems,
        toPod,
      );
      try {
        const stream = Duplex.from({ readable: fromPod, writable: toPod });
        return await get(stream, problems, path, headers);
      } finally {
        if (isClosable(socket)) socket.close();
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `port ${port} of the pod ${namespace}/${pod} does not answer: ${why}`;
      throw new CloverError('CLV_KUBERNETES_UNREACHABLE', message, { cause });
    }
  };
}

/** The types of its library are not installed. */
function isClosable(socket: unknown): socket is { close(): void } {
  return (
    typeof socket === 'object' &&
    socket !== null &&
    'close' in socket &&
    typeof socket.close === 'function'
  );
}

async function get(
  stream: Duplex,
  problems: PassThrough,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request({
      createConnection: () => stream,
      path,
      signal: AbortSignal.timeout(withinMs),
      headers: { ...headers, host: 'localhost', connection: 'close' },
    });
    problems.once('data', (said: Buffer) => reject(new Error(said.toString())));
    asked.once('error', reject);
    asked.once('response', resolve);
    asked.end();
  });
  const body = await text(response);
  if (response.statusCode === 200) return body;
  throw new Error(`it answered ${response.statusCode}`);
}
