import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import express, { type Express, type NextFunction } from 'express';
import type { Logger } from 'pino';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { eventHeaders } from '../lib/event-headers.ts';
import { CloverError } from '../lib/errors.ts';
import { createBearerCheck } from './bearer.ts';
import { createBodyBudget } from './body-budget.ts';
import { decodeHttpEvent } from './cloud-event-http.ts';
import type { EmitEvent } from './invocation.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { asCloverError, sendProblem } from './problem.ts';
import { readBody } from './read-body.ts';
import type { Runner } from './runner.ts';

/** Options of {@link createApp}. */
export interface AppOptions {
  readonly runner: Runner;
  /** Takes the events of `POST /broker`. */
  readonly publish: EmitEvent;
  readonly token: string;
  readonly log: Logger;
  readonly isDraining: () => boolean;
}

/** Telemetry comes in large batches; control events are small. */
const directLimit = { bytes: 64 * 1024 * 1024 };
const brokerLimit = { bytes: 256 * 1024 };
/** Of all of them together; one body of the largest size always finds room beside others. */
const budgetBytes = 256 * 1024 * 1024;

/** The HTTP surface of a host; see docs/architecture.md. */
export function createApp({ runner, publish, token, log, isDraining }: AppOptions): Express {
  const app = express();
  const logs = new WeakMap<IncomingMessage, Logger>();
  const isAuthorized = createBearerCheck(token);
  const budget = createBodyBudget(budgetBytes);
  const readEvent = async (
    request: HttpRequest,
    response: HttpResponse,
    { bytes }: { readonly bytes: number },
  ): Promise<CloudEvent> => {
    const body = await readBody(request, { bytes, take: budget.lease(response) });
    return decodeHttpEvent(request.headersDistinct, body);
  };
  const logOf = (request: IncomingMessage): Logger => logs.get(request) ?? log;

  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  app.use((request: HttpRequest, response: HttpResponse, next: NextFunction) => {
    const requestId = requestIdOf(request);
    const traceparent = request.get('traceparent');
    const bound = log.child({ requestId, ...(traceparent === undefined ? {} : { traceparent }) });
    logs.set(request, bound);
    response.set('x-request-id', requestId);
    if (isDraining()) response.set('connection', 'close');
    const began = performance.now();
    response.on('close', () => {
      const { method, originalUrl: url } = request;
      const { statusCode: status, writableFinished: whole } = response;
      const ms = Math.round(performance.now() - began);
      bound[status >= 500 || !whole ? 'warn' : 'debug'](
        { method, url, status, ms, whole },
        'request',
      );
    });
    next();
  });

  app
    .route('/health/live')
    .get((_request: HttpRequest, response: HttpResponse) => {
      response.json({ status: 'live' });
    })
    .all(only('GET'));
  app
    .route('/health/ready')
    .get((_request: HttpRequest, response: HttpResponse) => {
      if (isDraining()) throw new CloverError('CLV_OVERLOADED', 'the host drains');
      response.json({ status: 'ready' });
    })
    .all(only('GET'));

  app.use((request: HttpRequest, _response: HttpResponse, next: NextFunction) => {
    if (isAuthorized(request.get('authorization'))) next();
    else
      next(new CloverError('CLV_UNAUTHORIZED', "send Authorization: Bearer with the host's token"));
  });

  app
    .route('/functions/:name')
    .post((request: HttpRequest, response: HttpResponse, next: NextFunction) => {
      runner
        .post(String(request.params['name']), {
          read: () => readEvent(request, response, directLimit),
          log: logOf(request),
          traceparent: request.get('traceparent'),
          tracestate: request.get('tracestate'),
        })
        .then((reply) => sendReply(response, reply), next);
    })
    .all(only('POST'));
  app
    .route('/broker')
    .post((request: HttpRequest, response: HttpResponse, next: NextFunction) => {
      readEvent(request, response, brokerLimit)
        .then(publish)
        .then(() => response.status(202).end(), next);
    })
    .all(only('POST'));

  for (const { fn, entry } of runner.deployed) {
    const { router } = fn;
    if (router === undefined) continue;
    // Not app.use(path): a router that serves several paths has to see which one it is.
    app.use((request: HttpRequest, response: HttpResponse, next: NextFunction) => {
      if (entry.paths.some((path) => isBelow(request.path, path))) router(request, response, next);
      else next();
    });
  }

  app.use((request: HttpRequest, _response: HttpResponse, next: NextFunction) => {
    next(new CloverError('CLV_NOT_FOUND', `there is nothing at ${request.path}`));
  });
  // Express tells an error handler by its four parameters.
  app.use((error: unknown, request: HttpRequest, response: HttpResponse, _next: NextFunction) => {
    const known = asCloverError(error);
    if (known.code === 'CLV_INTERNAL') logOf(request).error({ err: error }, 'request failed');
    sendProblem(response, known);
  });
  return app;
}

/** A reply is an event in binary mode, as Knative takes it back into its broker. */
function sendReply(response: HttpResponse, reply: CloudEvent | undefined): void {
  if (reply === undefined) response.status(204).end();
  else response.writeHead(200, eventHeaders(reply)).end(reply.data);
}

function only(method: 'GET' | 'POST') {
  return (request: HttpRequest, response: HttpResponse): never => {
    response.set('allow', method === 'GET' ? 'GET, HEAD' : method);
    throw new CloverError(
      'CLV_METHOD_NOT_ALLOWED',
      `${request.method} is not allowed, use ${method}`,
    );
  };
}

/** The caller's id where it is fit for a log line, else a new one. */
function requestIdOf(request: HttpRequest): string {
  const given = request.get('x-request-id') ?? '';
  return /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function isBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(`${base}/`);
}
