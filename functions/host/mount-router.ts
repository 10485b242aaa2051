import express, { type NextFunction, type Router } from 'express';
import { CloverError, type ErrorCode } from '../lib/errors.ts';
import { excerpt } from '../lib/excerpt.ts';
import type { HttpHandler } from './function.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { badPath } from './problem.ts';

/**
 * Makes the routes of a function out of a router of Express. Only who has routes loads Express. What Express and its
 * parsers refuse is answered as they mean it: a body that is too large 413, another media type 415, bad JSON 400.
 */
export function mountRouter(router: Router): HttpHandler {
  const app = express();
  const failures = new WeakMap<object, (error: unknown) => void>();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(router);
  app.use(({ method, path }: HttpRequest, _response: HttpResponse, next: NextFunction) => {
    next(new CloverError('CLV_NOT_FOUND', `nothing answers ${method} ${excerpt(path)}`));
  });
  // Express tells an error handler by its four parameters.
  app.use((error: unknown, request: HttpRequest, response: HttpResponse, _next: NextFunction) => {
    failures.get(response)?.(meant(error, request.path));
  });
  return (request, response, fail) => {
    failures.set(response, fail);
    app(request, response);
  };
}

/** Any other status of a bad request is 400, as for who does not know it (RFC 9110 §15). */
const codes: ReadonlyMap<number, ErrorCode> = new Map([
  [404, 'CLV_NOT_FOUND'],
  [412, 'CLV_PRECONDITION_FAILED'],
  [413, 'CLV_BODY_TOO_LARGE'],
  [415, 'CLV_UNSUPPORTED_MEDIA_TYPE'],
]);

/** Errors of Express are for the caller where they say so; the router's own, of a path that it cannot decode, do not. */
function meant(error: unknown, path: string): unknown {
  if (error instanceof CloverError || !(error instanceof Error) || !('status' in error)) {
    return error;
  }
  const { status, message } = error;
  if (error instanceof URIError) return badPath(path, error);
  const isExposed = 'expose' in error && error.expose === true;
  if (!isExposed || typeof status !== 'number' || status < 400 || status >= 500) return error;
  return new CloverError(codes.get(status) ?? 'CLV_ARGUMENT_INVALID', message, { cause: error });
}
