import express, { type NextFunction, type Router } from 'express';
import { CloverError } from '../lib/errors.ts';
import type { HttpHandler } from './function.ts';
import type { HttpRequest, HttpResponse } from './http.ts';

/** Makes the routes of a function out of a router of Express. Only who has routes loads Express. */
export function mountRouter(router: Router): HttpHandler {
  const app = express();
  const failures = new WeakMap<object, (error: unknown) => void>();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(router);
  app.use(({ path }: HttpRequest, _response: HttpResponse, next: NextFunction) => {
    next(new CloverError('CLV_NOT_FOUND', `there is nothing at ${path}`));
  });
  // Express tells an error handler by its four parameters.
  app.use((error: unknown, _request: HttpRequest, response: HttpResponse, _next: NextFunction) => {
    failures.get(response)?.(error);
  });
  return (request, response, fail) => {
    failures.set(response, fail);
    app(request, response);
  };
}
