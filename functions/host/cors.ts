import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets browsers on other origins in. Returns whether the request was a preflight, and is answered.
 */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

const methods = 'GET, HEAD, PUT, POST, DELETE';
const requestHeaders =
  'authorization, content-type, if-match, if-none-match, last-event-id, traceparent, x-request-id';
const answerHeaders = 'clover-outcome, etag, retry-after, x-request-id';
const maxAgeSeconds = '600';

/**
 * CORS for exactly these origins; none: CORS is off. Callers send a bearer token of their own: cookies are never allowed,
 * and neither is every origin. A preflight carries no token, so it is answered before anything asks for one.
 */
export function createCors(origins: readonly string[]): Cors {
  const allowed = new Set(origins);
  return (request, response) => {
    if (allowed.size === 0) return false;
    // Also where the origin is not allowed: a cache must not give it another one's answer.
    response.setHeader('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !allowed.has(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', answerHeaders);
    const preflight =
      request.method === 'OPTIONS' &&
      request.headers['access-control-request-method'] !== undefined;
    if (!preflight) return false;
    response.writeHead(204, {
      'access-control-allow-methods': methods,
      'access-control-allow-headers': requestHeaders,
      'access-control-max-age': maxAgeSeconds,
    });
    response.end();
    return true;
  };
}
