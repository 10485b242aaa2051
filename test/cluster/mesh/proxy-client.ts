import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** One answer. */
export interface Answer {
  readonly status: number;
  readonly stamp: string;
  readonly body: string;
  /** Milliseconds until the headers. */
  readonly took: number;
}

/** A client behind the proxy of a pod, for one host with its port. */
export function proxyClient(address: string, host: string) {
  const agent = new Agent({ keepAlive: true });
  const port = Number(host.split(':')[1]);
  const get = async (path = '/', own: Record<string, string> = {}): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const began = performance.now();
    const headers = { ...own, host };
    const call = request({ host: address, port, path, headers, agent });
    call.on('error', reject);
    call.on('response', (response) => {
      const took = performance.now() - began;
      const stamp = String(response.headers['x-clover-arm']);
      const status = response.statusCode ?? 0;
      text(response).then((body) => resolve({ status, stamp, body, took }), reject);
    });
    call.end();
    return promise;
  };
  return { get, close: () => agent.destroy() };
}
