import { eventTypes } from '../../knative/events.ts';
import type { TraceDecoder } from '../../native/codec/types.ts';
import type { AnalyticsStore, BatchRecord } from '../analytics/store.ts';
import { onBytes } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import { createBatcher, type BatcherLimits } from './batcher.ts';

/** What ingest needs. */
export interface IngestOptions {
  readonly analytics: AnalyticsStore;
  readonly decoder: TraceDecoder;
  readonly clock: Clock;
  /** Defaults: 10 000 rows, 16 MiB, 200 ms, two inserts in flight, 128 MiB queued. */
  readonly limits?: Partial<BatcherLimits>;
}

const defaults: BatcherLimits = {
  rows: 10_000,
  bytes: 16 * 1024 ** 2,
  waitMs: 200,
  inFlight: 2,
  queueBytes: 128 * 1024 ** 2,
};

/**
 * Stores spans. Takes {@link eventTypes.spans}: OTLP `TracesData`, already decompressed by the host.
 * It resolves once the spans and their ledger row are stored; a redelivered event changes nothing,
 * because rows are their own identity.
 *
 * Errors: CLV_TELEMETRY_MALFORMED for a body that is not OTLP (nothing of it is stored),
 * CLV_EVENT_INVALID for bad attributes, CLV_OVERLOADED and CLV_ANALYTICS_UNAVAILABLE for later.
 */
export function createIngest(options: IngestOptions): CloverFunction {
  const { analytics, decoder, clock } = options;
  const batcher = createBatcher(analytics, { ...defaults, ...options.limits });
  const counts = { batches: 0, spans: 0, malformed: 0, overloaded: 0, unavailable: 0 };
  let lastStoredAt = 0;

  const store = async (event: CloudEvent): Promise<number> => {
    batcher.admit(event.data.length);
    const { block, spans } = decoder.decodeTraces(event.data);
    const record = recordOf(event, spans);
    await batcher.add({ data: block, spans }, record);
    return spans;
  };

  return {
    name: 'ingest',

    handlers: [
      onBytes(eventTypes.spans, async (event) => {
        try {
          counts.spans += await store(event);
          counts.batches += 1;
          lastStoredAt = clock.now();
        } catch (error) {
          if (error instanceof CloverError) count(error);
          throw error;
        }
      }),
    ],

    dependencies: { clickhouse: () => analytics.ping() },

    counters: () => ({
      ...counts,
      ...batcher.counters(),
      storedSecondsAgo: lastStoredAt === 0 ? -1 : (clock.now() - lastStoredAt) / 1_000,
    }),

    close: () => batcher.close(),
  };

  function count({ code }: CloverError): void {
    if (code === 'CLV_TELEMETRY_MALFORMED') counts.malformed += 1;
    else if (code === 'CLV_OVERLOADED') counts.overloaded += 1;
    else if (code === 'CLV_ANALYTICS_UNAVAILABLE') counts.unavailable += 1;
  }
}

function recordOf(event: CloudEvent, spans: number): BatchRecord {
  const { cloverspans, cloverwm = '0', cloverloss = '' } = event.extensions;
  // Up to the year 2286: what a DateTime64 of ClickHouse and a Date both hold.
  if (!/^\d{1,13}$/.test(cloverwm))
    throw new CloverError('CLV_EVENT_INVALID', 'cloverwm must be Unix milliseconds', {
      details: [{ field: 'cloverwm', message: `found ${JSON.stringify(cloverwm)}` }],
    });
  if (cloverspans !== undefined && cloverspans !== String(spans))
    throw new CloverError('CLV_TELEMETRY_MALFORMED', `the body has ${spans} spans`, {
      details: [{ field: 'cloverspans', message: `found ${JSON.stringify(cloverspans)}` }],
    });
  return {
    source: event.source,
    id: event.id,
    spans,
    watermarkMs: Number(cloverwm),
    loss: cloverloss,
  };
}
