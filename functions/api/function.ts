import type { CloverFunction } from '../host/function.ts';
import type { ApiOptions } from './options.ts';
import { createStreams } from './streams.ts';

/** The HTTP API: resources as Kubernetes serves them, questions, and the broker. Errors are thrown for the host. */
export function createApi(options: ApiOptions): CloverFunction {
  const streams = createStreams(options.clock, options.limits);
  return {
    name: 'api',
    isGuarded: options.guard !== undefined,
    async routes() {
      const { createApiRoutes } = await import('./api-router.ts');
      return createApiRoutes(options, streams);
    },
    counters: () => streams.counters(),
    async close() {
      streams.close();
    },
  };
}
