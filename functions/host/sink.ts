import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { eventHeaders } from '../lib/event-headers.ts';
import type { EmitEvent } from './invocation.ts';

/** Where a function of Knative sends its events (SinkBinding, ContainerSource). */
export interface SinkOptions {
  /** `K_SINK`. */
  readonly url: string;
  /** Extensions of `K_CE_OVERRIDES`, laid over the event's own. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Milliseconds that the sink has. Default 30 000. */
  readonly timeoutMs?: number;
}

/**
 * Sends events to a sink in binary mode; resolves when it has taken them. Trying again is up to who sent the event that
 * led to them: a failure is theirs to see.
 * @returns throws CloverError CLV_OVERLOADED for what may pass (no answer, 408, 429, 5xx), else CLV_EVENT_INVALID.
 */
export function createSink({ url, extensions, timeoutMs = 30_000 }: SinkOptions): EmitEvent {
  return async (event: CloudEvent) => {
    const sent = { ...event, extensions: { ...event.extensions, ...extensions } };
    const response = await fetch(url, {
      method: 'POST',
      headers: eventHeaders(sent),
      body: new Uint8Array(event.data),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw new CloverError('CLV_OVERLOADED', `the sink ${url} does not answer`, { cause });
    });
    await response.body?.cancel();
    if (response.ok) return;
    const passes = response.status >= 500 || response.status === 408 || response.status === 429;
    const message = `the sink ${url} answered ${response.status} to ${event.type} ${event.id}`;
    throw new CloverError(passes ? 'CLV_OVERLOADED' : 'CLV_EVENT_INVALID', message);
  };
}
