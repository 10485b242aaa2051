import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type NextFunction } from 'express';
import { CloverError } from '../lib/errors.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import type { Deployed } from './runner.ts';

/** Answers requests, or tells `onError` why it does not. */
export type HttpApp = (request: IncomingMessage, response: ServerResponse) => void;

/** The functions' own routes, below the paths that the catalogue gives them. */
export async function createApp(
  deployed: readonly Deployed[],
  onError: (error: unknown, response: ServerResponse) => void,
): Promise<HttpApp> {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  for (const { fn, entry } of deployed) {
    const router = await fn.routes?.();
    if (router === undefined) continue;
    // Not app.use(path): routes of several paths have to see which one it is.
    app.use((request: HttpRequest, response: HttpResponse, next: NextFunction) => {
      if (entry.paths.some((path) => isBelow(request.path, path))) router(request, response, next);
      else next();
    });
  }
  app.use(({ path }: HttpRequest, _response: HttpResponse, next: NextFunction) => {
    next(new CloverError('CLV_NOT_FOUND', `there is nothing at ${path}`));
  });
  // Express tells an error handler by its four parameters.
  app.use((error: unknown, _request: HttpRequest, response: HttpResponse, _next: NextFunction) => {
    onError(error, response);
  });
  return (request, response) => {
    app(request, response);
  };
}

function isBelow(path: string, base: string): boolean {
  return base === '/' || path === base || path.startsWith(`${base}/`);
}
