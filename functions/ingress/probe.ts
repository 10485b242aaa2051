import { Agent, request, type IncomingMessage } from 'node:http';
import { hashHeader, healthHost, probeHeaders } from './routes.ts';

/** Where an Envoy takes requests for one of the two ports. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
}

/** Asks Envoys what they have. */
export interface Prober {
  /** Whether an Envoy takes requests. */
  isUp(target: ProbeTarget): Promise<boolean>;
  /** The hash that it answers for a host name; undefined when it has no such host, or does not answer. */
  hashAt(target: ProbeTarget, host: string): Promise<string | undefined>;
  close(): void;
}

/** @param timeoutMs for one answer. */
export function createProber({ timeoutMs = 1_000 } = {}): Prober {
  // A kept connection would ask the same one of Envoy's workers each time.
  const agent = new Agent({ keepAlive: false, maxSockets: 16 });

  const ask = (
    { address, port }: ProbeTarget,
    host: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<IncomingMessage | undefined> =>
    new Promise((resolve) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const call = request({
        host: address,
        port,
        agent,
        signal,
        path: '/healthz',
        headers: { ...headers, host, 'user-agent': 'Knative-Ingress-Probe' },
      });
      call.on('error', () => resolve(undefined));
      call.on('response', (response) => {
        response.on('error', () => undefined);
        response.resume();
        resolve(response);
      });
      call.end();
    });

  return {
    isUp: async (target) => (await ask(target, healthHost, {}))?.statusCode === 200,
    hashAt: async (target, host) => {
      const hash = (await ask(target, host, probeHeaders))?.headers[hashHeader];
      return typeof hash === 'string' ? hash : undefined;
    },
    close: () => agent.destroy(),
  };
}
