import { z } from 'zod';
import type { Delivery } from '../../../knative/catalogue.ts';
import { CloverError } from '../../lib/errors.ts';
import { isoDurationMs } from '../../lib/iso-duration.ts';
import { fieldErrors } from '../../resources/field-errors.ts';
import { longestMs, type DeliveryPlan } from './delivery-plan.ts';

const duration = z.string().transform((text, context) => {
  const ms = isoDurationMs(text);
  if (ms !== undefined && ms <= longestMs) return ms;
  const message =
    ms === undefined
      ? 'must be an ISO 8601 duration such as PT0.2S or PT10M'
      : 'must be at most a day: P1D';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const schema = z.strictObject({
  retry: z.int().min(0),
  backoffPolicy: z.enum(['linear', 'exponential']),
  backoffDelay: duration,
  timeout: duration.refine((ms) => ms > 0, 'must be longer than nothing'),
  retryAfterMax: duration.optional(),
});

/**
 * Reads a delivery.
 * @param path of the delivery, for what is said of it: `orders.triggers[0].delivery`.
 * @throws CloverError CLV_CONFIG_INVALID with the path of every field that is wrong.
 */
export function planDelivery(delivery: Delivery, path: string): DeliveryPlan {
  const parsed = schema.safeParse(delivery);
  if (parsed.success) {
    const { retry, backoffPolicy, backoffDelay, timeout, retryAfterMax = Infinity } = parsed.data;
    return {
      retry,
      backoffPolicy,
      backoffDelayMs: backoffDelay,
      timeoutMs: timeout,
      retryAfterMaxMs: retryAfterMax,
    };
  }
  const details = fieldErrors(schema, delivery, parsed.error.issues).map(({ field, message }) => ({
    field: field === '' ? path : `${path}.${field}`,
    message,
  }));
  const said = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new CloverError('CLV_CONFIG_INVALID', said, { details });
}
