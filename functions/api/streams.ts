import { once, setMaxListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { CloverError } from '../lib/errors.ts';

/** Where a stream is written to. */
export interface Sink {
  /** Aborts when the reader goes away, is too slow, or the function closes. */
  readonly signal: AbortSignal;
  /** Resolves when the reader takes more. Sends the head of the answer with the first text. */
  write(text: string): Promise<void>;
}

/** The limits where nothing else is said. */
export const streamDefaults = { streams: 256, slowMs: 30_000 } as const;

/** Limits of {@link createStreams}. */
export interface StreamLimits {
  /** Streams at the same time. Default: 256. */
  readonly streams?: number;
  /** Milliseconds that a reader may let the server wait. Default: 30,000. */
  readonly slowMs?: number;
}

/** The streams of the API: bounded in number, and in the memory and time that a slow reader costs. */
export interface Streams {
  /**
   * Runs one stream to its end.
   * @throws CloverError CLV_OVERLOADED when there are too many, and what `run` throws before its first write.
   */
  serve(
    response: ServerResponse,
    mediaType: string,
    run: (sink: Sink) => Promise<void>,
  ): Promise<void>;
  counters(): Readonly<Record<string, number>>;
  /** Ends every stream. */
  close(): void;
}

const retrySeconds = 5;

/** A registry of the streams of one process. */
export function createStreams(
  clock: Clock,
  { streams: limit = streamDefaults.streams, slowMs = streamDefaults.slowMs }: StreamLimits = {},
): Streams {
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let open = 0;
  let refused = 0;
  let slow = 0;

  async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
    const waited = new AbortController();
    const either = AbortSignal.any([signal, waited.signal]);
    const giveUp = async (): Promise<void> => {
      await clock.sleep(slowMs, either);
      // A heartbeat may wait beside the data.
      if (response.destroyed) return;
      slow += 1;
      response.destroy();
    };
    const late = giveUp().catch(() => undefined);
    await once(response, 'drain', { signal }).finally(() => waited.abort());
    await late;
  }

  return {
    serve: async (response, mediaType, run) => {
      if (open >= limit) {
        refused += 1;
        const message = `${limit} streams are open already`;
        throw new CloverError('CLV_OVERLOADED', message, { retryAfter: retrySeconds });
      }
      open += 1;
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const signal = AbortSignal.any([gone.signal, closing.signal]);
      const write = async (text: string): Promise<void> => {
        // The host ends streams when it drains.
        if (response.writableEnded || response.destroyed) return;
        if (!response.headersSent) {
          response.writeHead(200, { 'content-type': mediaType, 'cache-control': 'no-store' });
        }
        if (!response.write(text)) await drained(response, signal);
      };
      try {
        await run({ signal, write });
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        open -= 1;
      }
      if (!response.destroyed) response.end();
    },
    counters: () => ({ streams: open, streamsRefused: refused, slowReadersDropped: slow }),
    close: () => closing.abort(),
  };
}
