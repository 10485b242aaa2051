import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Delivery, FunctionEntry } from '../../../knative/catalogue.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import { serve, type Serving } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { listenOnLoopback, silent } from '../host/helpers.ts';

/** A folder that goes away with the test. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-notify-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

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

/** The token of {@link served}. */
export const token = 'token-of-the-test';

/** A host with these functions, gone with the test. */
export async function served(
  t: ExecutionContext,
  functions: readonly CloverFunction[],
  catalogue: readonly FunctionEntry[],
  resources?: ResourceStore,
): Promise<Serving> {
  const folder = await temporaryFolder(t);
  const serving = await serve({
    functions,
    catalogue,
    brokerPath: join(folder, 'broker.db'),
    token,
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
    drainGraceMs: 0,
    ...(resources === undefined ? {} : { resources }),
  });
  t.teardown(() => serving.drain());
  return serving;
}
