import type { Delivery } from '../../../knative/catalogue.ts';

/** A trigger's {@link Delivery} as it is carried out. */
export interface DeliveryPlan {
  /** Attempts after the first. */
  readonly retry: number;
  readonly backoffPolicy: Delivery['backoffPolicy'];
  readonly backoffDelayMs: number;
  /** More than 0. */
  readonly timeoutMs: number;
  /** The most that a Retry-After may ask for; 0: it is ignored, Infinity: as long as the function asks for. */
  readonly retryAfterMaxMs: number;
}

/** No wait and no attempt is longer: Node's timers end after 24 days, and the next restart is nearer. */
export const longestMs = 24 * 3_600_000;
