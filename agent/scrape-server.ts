import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { Logger } from 'pino';
import { CloverError } from '../functions/lib/errors.ts';
import type { Guard } from '../functions/resources/kubernetes/guard.ts';
import {
  listen,
  pathOf,
  sendError,
  sendMetrics,
  type AgentServer,
  type ListenOptions,
} from './http-server.ts';
import type { AgentView } from './server.ts';

/** What {@link startScrapeServer} needs. */
export interface ScrapeOptions {
  readonly listen: ListenOptions;
  readonly guard: Guard;
  readonly metrics: AgentView['metrics'];
  readonly log: Logger;
}

/** What a scraper has to be allowed, as of Kubernetes' own components. */
const wanted = [{ verb: 'get', path: '/metrics' }] as const;

/**
 * Scrapes that are asked about or answered at one time. The page of a busy node has some megabytes, and each stranger's token is a question
 * to the API server: more are told to come again.
 */
const mostScrapes = 4;
const mostConnections = 64;
/** A connection on which nothing moves for as long is closed. */
const idleMs = 10_000;

/**
 * `/metrics` for who reaches the node, and nothing else: answered where the guard lets the caller, refused with its error otherwise. Each
 * connection is for one scrape: a next one finds the agent that counts by then. Rejects when the port is taken.
 */
export async function startScrapeServer(options: ScrapeOptions): Promise<AgentServer> {
  const { guard, metrics, log } = options;
  let scrapes = 0;
  let isFailing = false;

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    if (pathOf(incoming) !== '/metrics') {
      throw new CloverError('CLV_NOT_FOUND', 'only /metrics is served here');
    }
    if (incoming.method !== 'GET') {
      throw new CloverError('CLV_METHOD_NOT_ALLOWED', 'only GET is served');
    }
    if (scrapes >= mostScrapes) throw overloaded('too many scrapes at one time');
    scrapes += 1;
    try {
      await guard.admit(incoming.headers.authorization, wanted);
      isFailing = false;
      const text = metrics();
      if (text === undefined) throw overloaded('another agent of this node counts');
      sendMetrics(outgoing, text);
      await finished(outgoing).catch(() => undefined);
    } finally {
      scrapes -= 1;
    }
  };

  const refuse = (outgoing: ServerResponse, cause: unknown): void => {
    const error =
      cause instanceof CloverError
        ? cause
        : new CloverError('CLV_INTERNAL', 'the agent failed', { cause });
    // Once: whoever asks does so again and again.
    if (error.status >= 500 && error.code !== 'CLV_OVERLOADED') {
      if (!isFailing) log.warn({ err: error }, 'it cannot be found out who may scrape');
      isFailing = true;
    }
    sendError(outgoing, error);
  };

  const server = createServer(
    { headersTimeout: idleMs, requestTimeout: idleMs, connectionsCheckingInterval: idleMs / 2 },
    (incoming, outgoing) => {
      serve(incoming, outgoing).catch((error: unknown) => refuse(outgoing, error));
    },
  );
  server.maxConnections = mostConnections;
  server.maxRequestsPerSocket = 1;
  server.timeout = idleMs;
  return listen(server, options.listen);
}

const overloaded = (message: string): CloverError =>
  new CloverError('CLV_OVERLOADED', message, { retryAfter: 1 });
