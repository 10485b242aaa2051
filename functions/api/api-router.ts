import type { HttpHandler } from '../host/function.ts';
import { deadLetterRoutes, tailRoutes } from './handlers/broker.ts';
import { discoveryRoutes } from './handlers/discovery.ts';
import { liveRoutes } from './handlers/live.ts';
import { questionRoutes } from './handlers/questions.ts';
import { recordRoutes } from './handlers/records.ts';
import { resourceRoutes } from './handlers/resources.ts';
import { createLiveFeed } from './live-feed.ts';
import type { OpenApiDocument } from './openapi.ts';
import type { ApiOptions } from './options.ts';
import { hostOperations } from './operations/host.ts';
import type { Route } from './route.ts';
import { createRouter, handlerOf } from './router.ts';
import type { Streams } from './streams.ts';

/** Every route of the API. Its modules and schemas are most of what the API costs at a start: load it late. */
export function createApiRoutes(options: ApiOptions, streams: Streams): HttpHandler {
  const { resources, records, broker, clock, version } = options;
  const { deadLetters = broker } = options;
  const { heartbeatMs = 15_000, livePeriodMs = 1_000 } = options;
  const feed = createLiveFeed({ ...options, periodMs: livePeriodMs });
  let document: Promise<OpenApiDocument> | undefined;
  const routes: readonly Route[] = [
    ...discoveryRoutes({
      openApi: () => (document ??= describe()),
      records: records !== undefined,
    }),
    ...resourceRoutes({ resources, clock, heartbeatMs }),
    ...questionRoutes(options),
    ...liveRoutes({ feed, clock, heartbeatMs }),
    ...(records === undefined ? [] : recordRoutes({ records, clock, heartbeatMs })),
    ...(broker === undefined ? [] : tailRoutes({ broker, clock, heartbeatMs })),
    ...(deadLetters === undefined ? [] : deadLetterRoutes(deadLetters)),
  ];
  const describe = async (): Promise<OpenApiDocument> => {
    const { openApiDocument } = await import('./openapi.ts');
    const operations = [...routes.map(({ operation }) => operation), ...hostOperations];
    return openApiDocument({ operations, version });
  };
  return handlerOf(createRouter(routes, { streams, guard: options.guard }));
}
