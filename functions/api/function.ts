import { setMaxListeners } from 'node:events';
import { Router } from 'express';
import type { CloverFunction } from '../host/function.ts';
import { questionRoutes, type QuestionRoutes } from './question-routes.ts';
import { resourceRoutes } from './resource-routes.ts';

/** What the API needs. */
export interface ApiOptions extends QuestionRoutes {
  /** Milliseconds between bookmarks of a watch. Default: 15,000. */
  readonly heartbeatMs?: number;
}

/** The HTTP API: resources as Kubernetes serves them, and questions. Errors are thrown for the host. */
export function createApi(options: ApiOptions): CloverFunction {
  const { resources, clock, heartbeatMs = 15_000 } = options;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const router = Router();
  router.use(resourceRoutes({ resources, clock, heartbeatMs, closing: closing.signal }));
  router.use(questionRoutes(options));
  return {
    name: 'api',
    router,
    async close() {
      closing.abort();
    },
  };
}
