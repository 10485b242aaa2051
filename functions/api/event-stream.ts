import type { Clock } from '../lib/clock.ts';
import type { Sink } from './streams.ts';

/** Media type of server-sent events (HTML Standard §9.2). */
export const eventStreamType = 'text/event-stream';

/** One event as it is written. */
export interface OutgoingEvent {
  /** Default: `message`. */
  readonly event?: string;
  /** Where a reader that comes back goes on; one line. */
  readonly id?: string;
  /** Sent as JSON, which has no line ends. */
  readonly data: unknown;
}

/** The text of one event. */
export function eventText({ event, id, data }: OutgoingEvent): string {
  const head = `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}

/** A comment: nobody between takes a stream for dead that sends one now and then. */
export const heartbeatText = ':\n\n';

/** Runs `work`, and calls `beat` after every `ms` until it is over. */
export async function withHeartbeat(
  {
    clock,
    ms,
    signal,
  }: { readonly clock: Clock; readonly ms: number; readonly signal: AbortSignal },
  beat: () => Promise<void>,
  work: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const beating = (async () => {
    while (!either.aborted) {
      await clock.sleep(ms, either);
      await beat();
    }
  })().catch(() => undefined);
  try {
    await work();
  } finally {
    over.abort();
    await beating;
  }
}

/** Writes the head and a first comment, and then a comment after every `ms`. */
export async function eventStream(
  sink: Sink,
  { clock, heartbeatMs }: { readonly clock: Clock; readonly heartbeatMs: number },
  work: () => Promise<void>,
): Promise<void> {
  const beat = (): Promise<void> => sink.write(heartbeatText);
  await beat();
  await withHeartbeat({ clock, ms: heartbeatMs, signal: sink.signal }, beat, work);
}
