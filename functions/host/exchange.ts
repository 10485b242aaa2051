import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { CloverError } from '../lib/errors.ts';
import type { Telemetry } from './telemetry.ts';
import { traceFields } from './telemetry/span-context.ts';
import { traceRequest } from './telemetry/trace-request.ts';

/** A request with its response. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the request, without the query. */
  readonly path: string;
  /** W3C trace context of the exchange. */
  readonly traceparent: string | undefined;
  /** Bound to the request's id and trace. */
  readonly log: () => Logger;
  /** @throws CloverError CLV_METHOD_NOT_ALLOWED unless the method is one of these. */
  readonly allow: (...methods: readonly string[]) => void;
  /** Lets a client that waits for it (`Expect: 100-continue`) send its body. */
  readonly expectBody: () => void;
}

/** What {@link openExchange} tells of requests. */
export interface ExchangeOptions {
  readonly log: Logger;
  readonly telemetry: Telemetry;
  /** Makes the ids of requests that have none. */
  readonly newId: () => string;
}

/**
 * Ids that are found again in logs. They need not be secret: not the crypto module, which costs a cold start 4 ms.
 */
export function createRequestIds(): () => string {
  const process = Math.floor(Math.random() * 2 ** 52).toString(36);
  let count = 0;
  return () => {
    count += 1;
    return `${process}-${count.toString(36)}`;
  };
}

/** Gives the request an id and a trace, and tells of its end. */
export function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  { log, telemetry, newId }: ExchangeOptions,
): Exchange {
  const { url = '/', method = '' } = request;
  const path = url.split('?', 1)[0] ?? url;
  const requestId = requestIdOf(request, newId);
  response.setHeader('x-request-id', requestId);
  const { traceparent } = traceRequest(telemetry, request, response, () => routeOf(path));
  let bound: Logger | undefined;
  const boundLog = (): Logger => (bound ??= log.child({ requestId, ...traceFields(traceparent) }));
  const began = performance.now();
  response.once('close', () => {
    const { statusCode: status, writableFinished: whole } = response;
    const level = status >= 500 || !whole ? 'warn' : 'debug';
    if (!log.isLevelEnabled(level)) return;
    const ms = Math.round(performance.now() - began);
    boundLog()[level]({ method, url, status, ms, whole }, 'request');
  });
  return {
    request,
    response,
    path,
    traceparent,
    log: boundLog,
    allow: (...methods) => {
      if (methods.includes(method)) return;
      response.setHeader('allow', methods.join(', '));
      const message = `${method} is not allowed, use ${methods.join(' or ')}`;
      throw new CloverError('CLV_METHOD_NOT_ALLOWED', message);
    },
    expectBody: () => {
      if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
    },
  };
}

/** The caller's id where it is fit for a log line, else a new one. */
function requestIdOf({ headers }: IncomingMessage, newId: () => string): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : newId();
}

/** The pattern of a path of the host itself: few of them, so that they may label metrics. */
function routeOf(path: string): string | undefined {
  if (path.startsWith('/functions/')) return '/functions/{name}';
  return path === '/' || path === '/broker' ? path : undefined;
}
