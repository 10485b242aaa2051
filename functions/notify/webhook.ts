import { webhookName } from '../../knative/catalogue.ts';
import { eventTypes } from '../../knative/events.ts';
import { onBytes } from '../host/event-handler.ts';
import type { CloverFunction } from '../host/function.ts';
import { postEvent } from '../host/post-event.ts';
import type { Clock } from '../lib/clock.ts';
import type { CloudEvent } from '../lib/cloud-event.ts';
import { CloverError } from '../lib/errors.ts';
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
    const headers = { 'user-agent': 'clover', ...signed };
    const receipt = await postEvent(event, { url, headers, signal, clock }).catch(
      (cause: unknown) => {
        signal.throwIfAborted();
        throw new CloverError('CLV_WEBHOOK_UNAVAILABLE', `${name} does not answer`, { cause });
      },
    );
    const { status, decision, retryAfter } = receipt;
    if (decision === 'done') return;
    const text = `${name} answered ${status}`;
    // A webhook that has moved does not come back: its URL has to be corrected.
    const moved = status >= 300 && status < 400;
    if (moved || decision === 'dead') throw new CloverError('CLV_WEBHOOK_REFUSED', text);
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

/** The functions of webhooks that are named. */
export function createWebhooks(
  named: readonly Pick<WebhookOptions, 'url' | 'secret'>[],
  clock: Clock,
): CloverFunction[] {
  return named.map(({ url, secret }) =>
    createWebhook({ name: webhookName(url), url, clock, ...(secret !== undefined && { secret }) }),
  );
}
