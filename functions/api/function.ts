import type { EventRecorder } from '../records/event-recorder.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { AnalyticsStore } from '../analytics/store.ts';
import type { EvidenceStore } from '../evaluate/evidence-store.ts';
import type { BrokerAdmin } from '../host/broker/admin.ts';
import type { CloverFunction } from '../host/function.ts';
import type { Clock } from '../lib/clock.ts';
import { brokerRoutes } from './handlers/broker.ts';
import { discoveryRoutes } from './handlers/discovery.ts';
import { liveRoutes } from './handlers/live.ts';
import { questionRoutes } from './handlers/questions.ts';
import { recordRoutes } from './handlers/records.ts';
import { resourceRoutes } from './handlers/resources.ts';
import { createLiveFeed } from './live-feed.ts';
import type { OpenApiDocument } from './openapi.ts';
import { hostOperations } from './operations/host.ts';
import type { Route } from './route.ts';
import { createRouter } from './router.ts';
import type { Status } from './schemas/questions.ts';
import { createStreams, type StreamLimits } from './streams.ts';

/** What the API needs. */
export interface ApiOptions {
  readonly resources: ResourceStore;
  readonly analytics: Pick<AnalyticsStore, 'red' | 'storedArms'>;
  readonly evidence: Pick<EvidenceStore, 'totals' | 'looks'>;
  /** Without it there are no routes for records. */
  readonly records?: Pick<EventRecorder, 'list'>;
  /** The broker starts after the functions that it serves. Without it there are no routes for it. */
  readonly broker?: () => Promise<BrokerAdmin>;
  /** Counters of every part. */
  readonly status: () => Promise<Status>;
  readonly clock: Clock;
  /** Of Clover, for the OpenAPI document. */
  readonly version: string;
  /** Milliseconds between signs of life in a stream. Default: 15,000. */
  readonly heartbeatMs?: number;
  /** Milliseconds between two live views. Default: 1,000. */
  readonly livePeriodMs?: number;
  readonly limits?: StreamLimits;
}

/** The HTTP API: resources as Kubernetes serves them, questions, and the broker. Errors are thrown for the host. */
export function createApi(options: ApiOptions): CloverFunction {
  const { resources, records, broker, clock, heartbeatMs = 15_000 } = options;
  const { livePeriodMs = 1_000, version, limits = {} } = options;
  const streams = createStreams(clock, limits);
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
    ...(records === undefined ? [] : recordRoutes(records)),
    ...(broker === undefined ? [] : brokerRoutes({ broker, clock, heartbeatMs })),
  ];
  // Loaded and made when someone asks for it: a start must not wait for it.
  const describe = async (): Promise<OpenApiDocument> => {
    const { openApiDocument } = await import('./openapi.ts');
    const operations = [...routes.map(({ operation }) => operation), ...hostOperations];
    return openApiDocument({ operations, version });
  };
  return {
    name: 'api',
    router: createRouter(routes, streams),
    counters: () => streams.counters(),
    async close() {
      streams.close();
    },
  };
}
