import type { Delivery } from '../../../knative/catalogue.ts';
import type { Outcome } from './messages.ts';

/** What the answer to a delivery means for the event. */
export type Decision = 'done' | 'retry' | 'dead';

/**
 * Milliseconds before retry number `retry` (from 1), counted from the failed attempt.
 *
 * As measured on Knative's channel dispatcher: linear waits delay·(n−1), so that the first retry is
 * at once; exponential waits delay·2^(n−1).
 */
export function backOffMs(delivery: Delivery, retry: number): number {
  const delay = isoDurationMs(delivery.backoffDelay);
  return delivery.backoffPolicy === 'linear' ? delay * (retry - 1) : delay * 2 ** (retry - 1);
}

/** Exponential back-off and what a function asks for have no end of their own; an instant has to fit its column. */
const longestWaitMs = 24 * 3_600_000;

/**
 * Whole milliseconds before retry number `retry` after this outcome, a day at most. A Retry-After of a 429 or 503
 * lengthens the back-off, up to `retryAfterMax`; it never shortens it.
 */
export function waitMs(delivery: Delivery, retry: number, outcome: Outcome): number {
  const { status, retryAfterMs = 0 } = outcome;
  const isHeard = (status === 429 || status === 503) && retryAfterMs > 0;
  const { retryAfterMax } = delivery;
  const most = retryAfterMax === undefined ? Infinity : isoDurationMs(retryAfterMax);
  const asked = isHeard ? Math.min(retryAfterMs, most) : 0;
  return Math.ceil(Math.min(Math.max(backOffMs(delivery, retry), asked), longestWaitMs));
}

/** Knative's SelectiveRetry: 404, 408, 409, 429 and 5xx are tried again, any other 4xx never gets better. */
export function decide(status: number): Decision {
  if (status >= 200 && status < 300) return 'done';
  if (status >= 400 && status < 500 && ![404, 408, 409, 429].includes(status)) return 'dead';
  return 'retry';
}

/**
 * Milliseconds of an ISO 8601 duration in hours, minutes and seconds, such as `PT0.2S`.
 * @throws TypeError for anything else.
 */
export function isoDurationMs(text: string): number {
  const parts = /^PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$/.exec(text);
  if (parts === null) throw new TypeError(`not an ISO 8601 duration: ${text}`);
  const [hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return Math.round(((hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1_000);
}
