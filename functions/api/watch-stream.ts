import { once } from 'node:events';
import { apiVersion } from '../../knative/resources/meta.ts';
import type { Kind } from '../../knative/resources/kinds.ts';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';
import type { ApiResponse } from './http.ts';
import type { ResourceEvent } from '../resources/store.ts';

/** How a watch is written out. */
export interface WatchStream {
  readonly kind: Kind;
  /** Version after which the events come; named by bookmarks until there is a newer one. */
  readonly resourceVersion: string;
  readonly events: AsyncIterable<ResourceEvent, unknown, unknown>;
  /** Objects that stand at the start, for a watch without a version. */
  readonly initial: readonly ResourceEvent[];
  readonly wanted: (event: ResourceEvent) => boolean;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** A bookmark is written after this long, so that nobody between takes the stream for dead. */
  readonly heartbeatMs: number;
}

/** Writes one JSON line per event, as a Kubernetes API server does, until the signal aborts. */
export async function streamWatch(response: ApiResponse, watch: WatchStream): Promise<void> {
  let position = watch.resourceVersion;
  response.status(200).set('Content-Type', 'application/x-ndjson').set('Cache-Control', 'no-store');
  response.flushHeaders();

  const line = async (type: string, object: unknown): Promise<void> => {
    // The host ends streams when it drains.
    if (response.writableEnded || response.destroyed) return;
    if (!response.write(`${JSON.stringify({ type, object })}\n`)) {
      await once(response, 'drain', { signal: watch.signal });
    }
  };
  const bookmark = (): Promise<void> =>
    line('BOOKMARK', { apiVersion, kind: watch.kind, metadata: { resourceVersion: position } });

  const beat = async (): Promise<void> => {
    while (!watch.signal.aborted) {
      await watch.clock.sleep(watch.heartbeatMs, watch.signal);
      await bookmark();
    }
  };
  const beating = beat().catch(() => undefined);
  try {
    for (const event of watch.initial.filter(watch.wanted)) await line(event.type, event.object);
    await bookmark();
    for await (const event of watch.events) {
      if (watch.wanted(event)) await line(event.type, event.object);
      position = event.object.metadata.resourceVersion;
    }
  } catch (error) {
    // The status has gone out already: what ended the watch is its last line.
    if (!watch.signal.aborted) await line('ERROR', problem(error)).catch(() => undefined);
  } finally {
    response.end();
  }
  await beating;
}

function problem(error: unknown): unknown {
  if (!(error instanceof CloverError))
    return { code: 'CLV_INTERNAL', status: 500, detail: 'internal error' };
  const { code, status, message: detail, details } = error;
  return { code, status, detail, details };
}
