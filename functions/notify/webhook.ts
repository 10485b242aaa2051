import { eventTypes } from '../../knative/events.ts';
import { onBytes } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import { sha256 } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
import { eventHeaders } from '../lib/event-headers.ts';
import { signatureHeaders } from './signature.ts';

/** A receiver of notifications. */
export interface WebhookOptions {
  /** Name of the function, and of its trigger. */
  readonly name: string;
  readonly url: string;
  /** `whsec_` and a key in base64; without it nothing is signed. */
  readonly secret?: string;
  readonly clock: Clock;
}

/** Answers that get better by themselves, besides 5xx: Knative's table. */
const passing = new Set([404, 408, 409, 429]);

/**
 * Notifications → one webhook: a CloudEvent in binary mode, signed by the Standard Webhooks convention. Each webhook
 * is a function of its own, so that one that fails repeats nothing at the others.
 */
export function createWebhook({ name, url, secret, clock }: WebhookOptions): CloverFunction {
  const counts = { sent: 0, failed: 0 };

  const send = async (event: CloudEvent, signal: AbortSignal): Promise<void> => {
    const seconds = Math.floor(clock.now() / 1_000);
    const signed =
      secret === undefined ? {} : signatureHeaders(secret, event.id, seconds, event.data);
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...eventHeaders(event), 'user-agent': 'clover', ...signed },
      body: new Uint8Array(event.data),
      redirect: 'manual',
      signal,
    }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new CloverError('CLV_WEBHOOK_UNAVAILABLE', `${name} does not answer`, { cause });
    });
    await response.body?.cancel();
    const { status, ok } = response;
    if (ok) return;
    const text = `${name} answered ${status}`;
    if (status < 500 && !passing.has(status)) throw new CloverError('CLV_WEBHOOK_REFUSED', text);
    const retryAfter = secondsOf(response.headers.get('retry-after'), clock.now());
    throw new CloverError(
      'CLV_WEBHOOK_UNAVAILABLE',
      text,
      retryAfter === undefined ? {} : { retryAfter },
    );
  };

  return {
    name,
    handlers: [
      onBytes(eventTypes.notification, async (event, { signal }) => {
        try {
          await send(event, signal);
          counts.sent += 1;
        } catch (error) {
          counts.failed += 1;
          throw error;
        }
      }),
    ],
    counters: () => ({ ...counts }),
  };
}

/** The name of a webhook's function: its queue stays its own when others come and go. */
export function webhookName(url: string): string {
  return `webhook-${sha256(url).slice(0, 8)}`;
}

/** Seconds that a Retry-After asks for: a number, or a date. */
function secondsOf(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1_000));
}
