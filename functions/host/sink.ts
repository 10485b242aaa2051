import { systemClock, type Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { createAuthorization } from '../lib/authorization.ts';
import { CloverError } from '../lib/errors.ts';
import { monotonicMs } from '../lib/monotonic.ts';
import type { EmitEvent } from './invocation.ts';
import { postEvent } from './post-event.ts';

/** Where a function of Knative sends its events (SinkBinding, ContainerSource). */
export interface SinkOptions {
  /** `K_SINK`. */
  readonly url: string;
  /** Extensions of `K_CE_OVERRIDES`, laid over the event's own. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** File with the token that the sink asks for; default: it asks for none. */
  readonly tokenFile?: string | undefined;
  /** Milliseconds that the sink has. Default 30 000. */
  readonly timeoutMs?: number;
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'now'>;
}

/**
 * Sends events to a sink in binary mode; resolves when it has taken them. Trying again is up to who sent the event that
 * led to them: a failure is theirs to see, with the Retry-After of the sink.
 * @returns throws CloverError CLV_CONFIG_INVALID while the token cannot be read; CLV_OVERLOADED for what the broker would try again (no answer, a redirect, 404, 408, 409, 429,
 *   5xx), else CLV_EMIT_REFUSED.
 * @throws CloverError CLV_CONFIG_INVALID for a URL that no event can be sent to.
 */
export function createSink(options: SinkOptions): EmitEvent {
  const { url, extensions, tokenFile, timeoutMs = 30_000, clock = systemClock } = options;
  checkUrl(url);
  const authorization = createAuthorization({ tokenFile, monotonicMs });
  return async (event: CloudEvent) => {
    const sent = { ...event, extensions: { ...event.extensions, ...extensions } };
    const token = await authorization();
    const headers = token === undefined ? {} : { authorization: token };
    const signal = AbortSignal.timeout(timeoutMs);
    const receipt = await postEvent(sent, { url, headers, signal, clock }).catch(
      (cause: unknown) => {
        throw new CloverError('CLV_OVERLOADED', `the sink ${url} does not answer`, { cause });
      },
    );
    const { status, decision, retryAfter, problem } = receipt;
    if (decision === 'done') return;
    const answer = `the sink ${url} answered ${status} to ${event.type} ${event.id}`;
    const message = problem === undefined ? answer : `${answer}: ${problem}`;
    if (decision === 'dead') throw new CloverError('CLV_EMIT_REFUSED', message);
    throw new CloverError(
      'CLV_OVERLOADED',
      message,
      retryAfter === undefined ? {} : { retryAfter },
    );
  };
}

function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const message = `K_SINK: found ${JSON.stringify(text)}; must be an http:// or https:// URL`;
    throw new CloverError('CLV_CONFIG_INVALID', message);
  }
  // Not shown: one of them is a secret.
  if (url.username !== '' || url.password !== '') {
    throw new CloverError('CLV_CONFIG_INVALID', 'K_SINK: must be without a user and a password');
  }
}
