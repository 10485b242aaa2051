import { createServer } from 'node:http';
import type { ExecutionContext } from 'ava';
import type { Delivery } from '../../../knative/catalogue.ts';
import { listenOnLoopback } from '../host/helpers.ts';

/** Retries that a test can wait for. */
export const quick: Delivery = {
  retry: 4,
  backoffPolicy: 'exponential',
  backoffDelay: 'PT0.02S',
  timeout: 'PT5S',
};

/** What a receiver got. */
export interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A receiver of webhooks that answers with these statuses, and with 204 once they are used up. */
export async function receiver(
  t: ExecutionContext,
  statuses: readonly number[] = [],
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; readonly received: readonly Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = statuses[received.length] ?? 204;
      received.push({ headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(status, headers).end();
    });
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}/hook?a=1`, received };
}
