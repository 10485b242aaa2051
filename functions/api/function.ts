import type { CloverFunction, HttpHandler } from '../host/function.ts';
import type { ApiOptions } from './options.ts';
import { createStreams } from './streams.ts';

/** The API as the host takes it. */
export interface Api extends CloverFunction {
  /** The same ones at each call; made at the first. */
  routes(): Promise<HttpHandler>;
}

/** The HTTP API: resources as Kubernetes serves them, questions, and the broker. Errors are thrown for the host. */
export function createApi(options: ApiOptions): Api {
  const streams = createStreams(options.clock, options.limits);
  const load = async (): Promise<HttpHandler> => {
    const { createApiRoutes } = await import('./api-router.ts');
    return createApiRoutes(options, streams);
  };
  let routes: Promise<HttpHandler> | undefined;
  return {
    name: 'api',
    isGuarded: options.guard !== undefined,
    routes: () => (routes ??= load()),
    counters: () => streams.counters(),
    async close() {
      streams.close();
    },
  };
}
