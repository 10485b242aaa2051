import { longestMs, type DeliveryPlan } from './delivery-plan.ts';
import type { Outcome } from './messages.ts';

/** What the answer to a delivery means for the event. */
export type Decision = 'done' | 'retry' | 'dead';

/**
 * Milliseconds before retry number `retry` (from 1), counted from the failed attempt.
 *
 * As measured on Knative's channel dispatcher: linear waits delay·(n−1), so that the first retry is
 * at once; exponential waits delay·2^(n−1).
 */
export function backOffMs(delivery: DeliveryPlan, retry: number): number {
  const { backoffPolicy, backoffDelayMs } = delivery;
  if (backoffPolicy === 'linear') return backoffDelayMs * (retry - 1);
  // Bounded: nothing times infinity would be no number.
  return backoffDelayMs * Math.min(2 ** (retry - 1), Number.MAX_SAFE_INTEGER);
}

/**
 * Whole milliseconds before retry number `retry` after this outcome, a day at most. A Retry-After of a 429 or 503
 * lengthens the back-off, up to `retryAfterMax`; it never shortens it.
 */
export function waitMs(delivery: DeliveryPlan, retry: number, outcome: Outcome): number {
  const { status, retryAfterMs = 0 } = outcome;
  const isHeard = (status === 429 || status === 503) && retryAfterMs > 0;
  const asked = isHeard ? Math.min(retryAfterMs, delivery.retryAfterMaxMs) : 0;
  return Math.ceil(Math.min(Math.max(backOffMs(delivery, retry), asked), longestMs));
}

/** Knative's SelectiveRetry: 404, 408, 409, 429 and 5xx are tried again, any other 4xx never gets better. */
export function decide(status: number): Decision {
  if (status >= 200 && status < 300) return 'done';
  if (status >= 400 && status < 500 && ![404, 408, 409, 429].includes(status)) return 'dead';
  return 'retry';
}
